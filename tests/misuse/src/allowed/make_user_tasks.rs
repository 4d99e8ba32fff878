//! The store creates `UserTasks`.

use shared::auth::AuthenticatedUser;
use shared::store::{TaskStore, UserTasks};

fn tasks(store: &TaskStore, user: AuthenticatedUser) -> UserTasks<'_> {
    store.tasks_of(user)
}

fn main() {}
