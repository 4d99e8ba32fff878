/** Of the box for a new task. */
export const COMPOSER_ID = "new-task";
/** Of the heading of the list. */
export const HEADING_ID = "list-heading";
