//! The user of `UserTasks` cannot be exchanged.

use shared::auth::AuthenticatedUser;
use shared::store::{TaskStore, UserTasks};

fn exchange<'a>(tasks: &mut UserTasks<'a>, store: &'a TaskStore, other: AuthenticatedUser) {
    tasks.user = other;
}

fn main() {}
