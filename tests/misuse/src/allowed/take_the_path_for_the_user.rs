//! A function authenticates the caller.

use shared::api::{Problem, Request};
use shared::app::App;
use shared::auth::AuthenticatedUser;
use shared::store::UserTasks;

fn tasks<'a>(app: &'a App, user: AuthenticatedUser, request: &Request) -> Result<UserTasks<'a>, Problem> {
    app.tasks_of(user, request)
}

fn main() {}
