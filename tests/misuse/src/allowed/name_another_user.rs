//! The store gives an authenticated user access to their tasks.

use shared::auth::AuthenticatedUser;
use shared::store::{StoreError, TaskStore};
use shared::task::{Task, TaskId};

async fn task(store: &TaskStore, user: AuthenticatedUser, id: TaskId) -> Result<Task, StoreError> {
    store.tasks_of(user).get(id).await
}

fn main() {}
