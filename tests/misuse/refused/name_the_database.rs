//! What depends on `shared` alone does not know DynamoDB.

use aws_sdk_dynamodb::Client as Tasks;

fn tasks(tasks: Tasks) -> Tasks {
    tasks
}

fn main() {}
