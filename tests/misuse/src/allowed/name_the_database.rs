//! It can use the store of `shared`.

use shared::store::TaskStore as Tasks;

fn tasks(tasks: Tasks) -> Tasks {
    tasks
}

fn main() {}
