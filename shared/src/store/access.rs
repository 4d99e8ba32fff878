//! The operator's switch: before which time a user's tokens must not have been issued.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::attribute;
use super::{StoreError, TaskStore};
use crate::auth::AuthenticatedUser;

const NOT_BEFORE: &str = "not_before";

impl TaskStore {
    /// The time before which this user's tokens must not have been issued, in seconds since the epoch, if an operator has
    /// set one: one request, strongly consistent. None at all without the setting `ACCESS_TABLE`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] for every failure: what cannot be read could have ended the access.
    pub(crate) async fn not_before(&self, user: &AuthenticatedUser) -> Result<Option<f64>, StoreError> {
        let Some(table) = &self.access_table else { return Ok(None) };
        let user_id = AttributeValue::S(user.id().to_owned());
        let request = self.client.get_item().table_name(table).key(attribute::USER_ID, user_id).consistent_read(true);
        let output = request.send().await.map_err(|error| match StoreError::from(error) {
            StoreError::Unexpected(cause) => StoreError::Unavailable(cause),
            error => error,
        })?;
        let not_before = |item: super::Item| item.get(NOT_BEFORE)?.as_n().ok()?.parse().ok();
        let malformed =
            || StoreError::Unavailable("the user's item in ACCESS_TABLE has no number not_before".to_owned());
        output.item.map(|item| not_before(item).ok_or_else(malformed)).transpose()
    }
}
