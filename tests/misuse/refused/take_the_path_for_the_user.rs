//! The user in the path is not an authenticated user.

use shared::api::{Problem, Request};
use shared::app::App;
use shared::auth::AuthenticatedUser;
use shared::store::UserTasks;

fn tasks<'a>(app: &'a App, user: AuthenticatedUser, request: &Request) -> Result<UserTasks<'a>, Problem> {
    app.tasks_of(request.user_segment(), request)
}

fn main() {}

// Line 9 should have been:
//    app.tasks_of(user, request)
