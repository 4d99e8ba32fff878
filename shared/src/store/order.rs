//! Manual order: where a task goes when it is moved. Its new position is between those of its neighbours there, and the move
//! is one write of the task alone.

use std::collections::HashMap;

use super::item::{TaskAttributes, attribute, text};
use super::subtasks::BY_PARENT;
use super::write::{self, Home};
use super::{Guard, StoreError, UserTasks};
use crate::aws;
use crate::task::{Invalid, Position, Task, TaskId};

/// The index of open tasks that have a position and no parent.
pub(super) const BY_POSITION: &str = "by_position";

/// Where a task is to go, in the list of its parent's subtasks, or in that of tasks without a parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// Right before this task; without one, to the end.
    Before(Option<TaskId>),
    /// Right after this task; without one, to the beginning.
    After(Option<TaskId>),
}

impl UserTasks<'_> {
    /// Moves a task: two requests that read its neighbours, and one write. Among tasks with one and the same position, which
    /// concurrent moves can leave, there is no room: the task goes before or after all of them.
    ///
    /// # Errors
    /// [`StoreError::Field`] if the other task is not in the same list, has no position, or leaves no room, and as
    /// [`Self::replace`].
    pub async fn move_task(&self, id: TaskId, to: Destination, guard: &Guard) -> Result<Task, StoreError> {
        let (field, other) = match to {
            Destination::Before(other) => ("before", other),
            Destination::After(other) => ("after", other),
        };
        let refused = StoreError::Field(field, Invalid("must be another task of the same list that has a position"));
        if other == Some(id) {
            return Err(refused);
        }
        // Without another task, its own one says which list it is in. If it is gone, the write finds out whether it was done.
        let (position, parent) = match (self.get(other.unwrap_or(id)).await, other) {
            (Ok(task), None) => (None, task.parent_id),
            (Ok(Task { position: Some(position), parent_id, .. }), Some(_)) => (Some(position), parent_id),
            (Err(StoreError::NotFound), None) => (None, None),
            (Ok(_) | Err(StoreError::NotFound), Some(_)) => return Err(refused),
            (Err(error), _) => return Err(error),
        };
        let neighbour = self.neighbour(id, parent, to, position.as_ref()).await?;
        let between = match to {
            Destination::Before(_) => Position::between(neighbour.as_ref(), position.as_ref()),
            Destination::After(_) => Position::between(position.as_ref(), neighbour.as_ref()),
        };
        let no_room = || StoreError::Field(field, Invalid("is so close to its neighbour that there is no room"));
        let home = Home { parent, otherwise: refused };
        let operation = format!("move {field} {}", other.map(|other| other.to_string()).unwrap_or_default());
        let writes = write::moving(id, between.ok_or_else(no_room)?, home, &operation, guard);
        self.write(&writes).await?.task_unless_deleted()
    }

    /// The next position before or after this one that is another, of any other task; without one, the last or first there is.
    async fn neighbour(
        &self,
        id: TaskId,
        parent: Option<TaskId>,
        to: Destination,
        position: Option<&Position>,
    ) -> Result<Option<Position>, StoreError> {
        // All positions are between these two, and what has none is behind the second one.
        let (first, last) = ("A", "{");
        let position = position.map(Position::as_str);
        let (from, before) = match to {
            Destination::Before(_) => (first.to_owned(), position.unwrap_or(last).to_owned()),
            // What follows a position in a key is a `#`.
            Destination::After(_) => {
                (position.map_or(first.to_owned(), |position| format!("{position}$")), last.to_owned())
            }
        };
        let list = parent.map(|parent| format!("{parent}#")).unwrap_or_default();
        let (index, key) = match parent {
            None => (BY_POSITION, attribute::POSITION_KEY),
            Some(_) => (BY_PARENT, attribute::CHILD_KEY),
        };
        let values = [
            (":user_id", self.user.id().to_owned()),
            (":from", format!("{list}{from}")),
            (":before", format!("{list}{before}")),
        ];
        let values: HashMap<_, _> = values.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
        let request = self.store.client.query().table_name(&self.store.tasks_table).index_name(index);
        let request = request
            .consistent_read(true)
            .projection_expression("task_id, task_position")
            .key_condition_expression(format!("user_id = :user_id AND {key} BETWEEN :from AND :before"))
            .set_expression_attribute_values(Some(values))
            .scan_index_forward(matches!(to, Destination::After(_)))
            // The task itself may be the first of two.
            .limit(2);
        let answer = aws::query::<TaskAttributes>(request).await?;
        let mut places = answer.items.into_iter().map(TaskAttributes::place);
        places.find(|place| !matches!(place, Ok((other, _)) if *other == id)).transpose().map(|place| Some(place?.1))
    }
}
