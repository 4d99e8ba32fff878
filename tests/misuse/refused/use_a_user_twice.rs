//! An authenticated user cannot be used for two `UserTasks`.

use shared::auth::AuthenticatedUser;
use shared::store::{TaskStore, UserTasks};

fn doors(store: &TaskStore, user: AuthenticatedUser, _other: AuthenticatedUser) -> (UserTasks<'_>, UserTasks<'_>) {
    (store.tasks_of(user), store.tasks_of(user))
}

fn main() {}

// Line 7 should have been:
//    (store.tasks_of(user), store.tasks_of(_other))
