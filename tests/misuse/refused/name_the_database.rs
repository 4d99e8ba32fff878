//! A crate that depends only on `shared` cannot use the DynamoDB SDK.

use aws_sdk_dynamodb::Client as Tasks;

fn tasks(tasks: Tasks) -> Tasks {
    tasks
}

fn main() {}

// Line 3 should have been:
// use shared::store::TaskStore as Tasks;
