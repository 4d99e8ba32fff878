//! `UserTasks` does not accept the id of another user.

use shared::auth::AuthenticatedUser;
use shared::store::{StoreError, TaskStore};
use shared::task::{Task, TaskId};

async fn task(store: &TaskStore, user: AuthenticatedUser, id: TaskId) -> Result<Task, StoreError> {
    store.tasks_of(user).get("bob", id).await
}

fn main() {}

// Line 8 should have been:
//    store.tasks_of(user).get(id).await
