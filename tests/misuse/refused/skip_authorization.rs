//! A function cannot skip the comparison of path and user.

use shared::api::{Problem, Request};
use shared::app::App;
use shared::auth::AuthenticatedUser;
use shared::store::UserTasks;

fn tasks<'a>(app: &'a App, user: AuthenticatedUser, request: &Request) -> Result<UserTasks<'a>, Problem> {
    Ok(app.store.tasks_of(user))
}

fn main() {}

// Line 9 should have been:
//    app.tasks_of(user, request)
