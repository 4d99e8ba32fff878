//! `UserTasks` cannot be constructed by hand.

use shared::auth::AuthenticatedUser;
use shared::store::{TaskStore, UserTasks};

fn tasks(store: &TaskStore, user: AuthenticatedUser) -> UserTasks<'_> {
    UserTasks { store, user }
}

fn main() {}

// Line 7 should have been:
//    store.tasks_of(user)
