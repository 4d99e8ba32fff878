/** Of the box for a new task. */
export const COMPOSER_ID = "new-task";
