//! Requests to DynamoDB, signed with Signature Version 4.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::{digest, hmac};

use crate::http::Client;
use crate::{Result, variable};

/// The table of tasks.
pub(crate) struct DynamoDb {
    connection: Client,
    host: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
    pub(crate) table: String,
}

const SIGNED_HEADERS: &str = "content-type;host;x-amz-date;x-amz-target";

impl DynamoDb {
    pub(crate) fn new((connection, host): (Client, String)) -> Result<Self> {
        Ok(Self {
            connection,
            host,
            region: variable("AWS_REGION")?,
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
            table: variable("TASKS_TABLE")?,
        })
    }

    /// Calls an operation and returns the body of the response.
    pub(crate) fn call(&mut self, operation: &str, body: &str) -> Result<Vec<u8>> {
        let Self { host, region, access_key_id, secret_access_key, .. } = self;
        let time = timestamp(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
        let date = time.get(..8).unwrap_or_default();
        let scope = format!("{date}/{region}/dynamodb/aws4_request");
        let headers = format!(
            "content-type:application/x-amz-json-1.0\nhost:{host}\nx-amz-date:{time}\nx-amz-target:DynamoDB_20120810.{operation}\n"
        );
        let canonical = format!("POST\n/\n\n{headers}\n{SIGNED_HEADERS}\n{}", hash(body));
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash(&canonical));
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret_access_key}").as_bytes());
        for part in [date, region, "dynamodb", "aws4_request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        let signature = hex(hmac::sign(&key, to_sign.as_bytes()).as_ref());
        let head = format!(
            "POST / HTTP/1.1\r\n{}authorization: AWS4-HMAC-SHA256 Credential={access_key_id}/{scope}, \
             SignedHeaders={SIGNED_HEADERS}, Signature={signature}\r\ncontent-length: {}\r\n\r\n",
            headers.replace('\n', "\r\n"),
            body.len()
        );
        Ok(self.connection.exchange(head.as_bytes(), body.as_bytes())?.body)
    }
}

fn hash(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

/// Formats seconds since the epoch as `20261130T101500Z`, with Howard Hinnant's `civil_from_days`.
fn timestamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn times_are_written_as_signatures_want_them() {
        assert_eq!(timestamp(0), "19700101T000000Z");
        assert_eq!(timestamp(951_782_400), "20000229T000000Z");
        assert_eq!(timestamp(1_796_083_199), "20261130T235959Z");
    }
}
