//! `UserTasks` cannot be constructed by hand.

use shared::auth::AuthenticatedUser;
use shared::store::{TaskStore, UserTasks};

fn tasks(store: &TaskStore, user: AuthenticatedUser) -> UserTasks<'_> {
    UserTasks { store, user }
}

fn main() {}
