//! A secret in Secrets Manager, read by one signed request.
//!
//! - **Figure:** the SDK's client makes each file 138 kB larger, and a start take 0.7 million instructions more.
//! - **Reason:** one operation needs no client: the cache that reads the secret repeats and bounds its requests already.
//! - **To remove it:** send `get_secret_value` of `aws-sdk-secretsmanager` in [`StoredSecret::read`].

use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde::Deserialize;
use serde_json::json;

use super::signer::Signer;
use super::{AwsSettings, Connector, TrustedRoots};

/// Two secrets and what Secrets Manager says about them. It would hold 64 KiB.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
const HEADERS: [(&str, &str); 2] =
    [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "secretsmanager.GetSecretValue")];

/// A secret, and how it is reached.
#[derive(Debug)]
pub(crate) struct StoredSecret {
    arn: String,
    aws: AwsSettings,
}

impl StoredSecret {
    /// The secret with this ARN, if it is that of a secret in the region of the settings.
    pub(crate) fn new(arn: &str, aws: AwsSettings) -> Option<Self> {
        let parts: Vec<_> = arn.splitn(7, ':').collect();
        let ["arn", _, "secretsmanager", region, _, "secret", name] = parts.as_slice() else { return None };
        (*region == aws.access.region.as_ref() && !name.is_empty()).then(|| Self { arn: arn.to_owned(), aws })
    }

    /// Whose certificates Secrets Manager may show.
    pub(crate) fn trusted_roots(&self) -> TrustedRoots {
        self.aws.trusted_roots.clone()
    }

    /// Its current text: one request, within `timeout`.
    ///
    /// # Errors
    /// What went wrong, for the log: without the answer's text.
    pub(crate) async fn read(&self, connector: &Connector, timeout: Duration) -> Result<String, String> {
        #[derive(Default, Deserialize)]
        struct Answer {
            #[serde(rename = "SecretString")]
            text: Option<String>,
            #[serde(rename = "__type")]
            error: Option<String>,
        }

        let request = self.request(SystemTime::now())?;
        let (status, body) = connector.exchange(request, timeout, MAX_ANSWER_BYTES).await?;
        let answer: Answer = serde_json::from_slice(&body).unwrap_or_default();
        match answer.text {
            Some(text) if status == 200 => Ok(text),
            _ => Err(format!("Secrets Manager answers {} with status {status}", answer.error.unwrap_or_default())),
        }
    }

    fn request(&self, now: SystemTime) -> Result<HttpRequest, String> {
        let mut request = HttpRequest::new(json!({ "SecretId": self.arn }).to_string().into());
        request.set_method("POST").map_err(|error| error.to_string())?;
        request.set_uri(self.aws.endpoint.as_str()).map_err(|error| error.to_string())?;
        for (name, value) in HEADERS {
            request.headers_mut().insert(name, value);
        }
        let signer = Signer::new(self.aws.access.clone(), "secretsmanager");
        signer.sign(&mut request, now).map_err(|error| error.to_string())?;
        Ok(request)
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::time::UNIX_EPOCH;

    use ring::{digest, hmac};

    use super::*;
    use crate::aws::{Access, SECRETS_MANAGER};
    use crate::environment::Variables;
    use crate::hex::hex;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:daylist-AbCdEf";

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
    #[test]
    fn request_is_signed_as_the_specification_says() {
        let access = Access::new("eu-central-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let aws = AwsSettings::read(&Variables::new(&|_| None), access, SECRETS_MANAGER).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_795_219_200);
        let request = StoredSecret::new(ARN, aws).unwrap().request(now).unwrap();
        assert_eq!((request.method(), request.uri()), ("POST", "https://secretsmanager.eu-central-1.amazonaws.com"));
        let body = request.body().bytes().unwrap();
        assert_eq!(body, format!(r#"{{"SecretId":"{ARN}"}}"#).as_bytes());

        let (date, scope) = ("20261121T000000Z", "20261121/eu-central-1/secretsmanager/aws4_request");
        let canonical = format!(
            "POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:secretsmanager.eu-central-1.amazonaws.com\n\
             x-amz-date:{date}\nx-amz-target:secretsmanager.GetSecretValue\n\n\
             content-type;host;x-amz-date;x-amz-target\n{}",
            hex(digest::digest(&digest::SHA256, body).as_ref())
        );
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
            hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
        );
        let key = scope.split('/').fold(b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_vec(), |key, part| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
        });
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), to_sign.as_bytes());
        let mut headers: Vec<_> = request.headers().iter().collect();
        headers.sort_unstable();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{scope}, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={}",
            hex(signature.as_ref())
        );
        let expected = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-date", date),
            ("x-amz-target", "secretsmanager.GetSecretValue"),
        ];
        assert_eq!(headers, expected);
    }
}
