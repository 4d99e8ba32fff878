//! Export: everything that is stored of a user, page by page.

use super::erase::MARK;
use super::item::{Change, TaskAttributes, attribute, text};
use super::list::MAX_PAGE_TEXT_BYTES;
use super::{StoreError, UserTasks};
use crate::aws;
use crate::task::{DeletedTask, Task, TaskId};

/// A page of an export, as a client asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportQuery {
    /// How many tasks and deleted tasks at most, 1 to 500.
    pub limit: usize,
    /// The last task of the page before; `None` for the first page.
    pub after: Option<TaskId>,
}

/// Everything that is stored of a user's tasks, a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// Open and completed tasks, the oldest id first.
    pub tasks: Vec<Task>,
    /// What is remembered of tasks that were deleted in the last 30 days.
    pub deleted: Vec<DeletedTask>,
    /// The [`ExportQuery::after`] of the next page; `None` on the last one.
    pub next: Option<TaskId>,
}

impl UserTasks<'_> {
    /// A page of an export, strongly consistent: one request, which DynamoDB ends at a megabyte. The page ends early where its texts
    /// are large.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unexpected`].
    pub async fn export(&self, query: &ExportQuery) -> Result<Export, StoreError> {
        let request = self.store.client.query().table_name(&self.store.tasks_table).consistent_read(true);
        // One more than the page takes tells whether there are more. The marks of erasures are behind.
        let request = request
            .limit(i32::try_from(query.limit + 1).unwrap_or(i32::MAX))
            .projection_expression(attribute::OF_A_CHANGE)
            .key_condition_expression("user_id = :user_id AND task_id > :after")
            .expression_attribute_values(":user_id", text(self.user.id()))
            .expression_attribute_values(":after", text(query.after.unwrap_or(MARK).to_string()));
        let answer = aws::query::<TaskAttributes>(request).await?;

        let mut page = Export::default();
        let (mut text_bytes, mut last) = (0, None);
        for attributes in answer.items {
            let change = attributes.change()?;
            text_bytes += change.text_bytes();
            if last.is_some() && (page.len() == query.limit || text_bytes > MAX_PAGE_TEXT_BYTES) {
                return Ok(Export { next: last, ..page });
            }
            last = Some(change.id());
            match change {
                Change::Task(task) => page.tasks.push(task),
                Change::Deleted(task) => page.deleted.push(task),
            }
        }
        page.next = if answer.last_evaluated_key.is_some() { last } else { None };
        Ok(page)
    }
}

impl Export {
    fn len(&self) -> usize {
        self.tasks.len() + self.deleted.len()
    }
}
