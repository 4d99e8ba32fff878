//! What depends on `shared` knows its store.

use shared::store::TaskStore as Tasks;

fn tasks(tasks: Tasks) -> Tasks {
    tasks
}

fn main() {}
