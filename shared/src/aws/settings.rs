//! Where DynamoDB is, and whom to trust to be it.

use std::fmt;

use super::{Access, Connector, TrustedRoots};
use crate::environment::{InvalidSetting, Variables};

/// Checked settings of the client.
pub struct AwsSettings {
    pub(super) access: Access,
    /// Where DynamoDB is; `None` where only the SDK knows.
    pub(super) endpoint: Option<String>,
    trusted_roots: TrustedRoots,
}

impl AwsSettings {
    /// Reads what is set besides region and credentials: another endpoint, other certificates.
    ///
    /// # Errors
    /// Names the setting that cannot be worked with.
    pub(crate) fn read(variables: &Variables<'_>, access: Access) -> Result<Self, InvalidSetting> {
        let custom_endpoint = variables.optional("AWS_ENDPOINT_URL_DYNAMODB")?;
        let partition = Partition::of(access.region.as_ref());
        let trusted_roots = match variables.optional("AWS_CA_BUNDLE")? {
            Some(path) => TrustedRoots::bundle(&path)?,
            None if custom_endpoint.is_none() && partition == Partition::Commercial => TrustedRoots::amazon()?,
            None => TrustedRoots::System,
        };
        let in_region = || Some(format!("https://dynamodb.{}.{}", access.region, partition.dns_suffix()?));
        Ok(Self { endpoint: custom_endpoint.or_else(in_region), trusted_roots, access })
    }

    /// A connector that trusts the certificates that DynamoDB may show. Where only the SDK knows the endpoint, the first
    /// to look it up is a request, which must not be kept waiting.
    pub(crate) fn connector(&self) -> Connector {
        let roots = self.trusted_roots.clone();
        if self.endpoint.is_some() { Connector::connected_at_start(roots) } else { Connector::trusting(roots) }
    }
}

impl fmt::Debug for AwsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("AwsSettings");
        fields.field("access", &self.access).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Regions that AWS runs apart from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Partition {
    /// Those of everybody, and those of the government of the United States.
    Commercial,
    /// The European Sovereign Cloud, whose roots are its own.
    EuropeanSovereign,
    /// China, and those that are cut off from the Internet: they are left to the SDK.
    Other,
}

impl Partition {
    fn of(region: &str) -> Self {
        match region {
            _ if region.starts_with("eusc-") => Self::EuropeanSovereign,
            _ if region.starts_with("cn-") || region.contains("-iso") => Self::Other,
            _ => Self::Commercial,
        }
    }

    /// As the SDK's own table of partitions has it.
    fn dns_suffix(self) -> Option<&'static str> {
        match self {
            Self::Commercial => Some("amazonaws.com"),
            Self::EuropeanSovereign => Some("amazonaws.eu"),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

    use super::*;

    fn read(region: &str, variables: &[(&str, &str)]) -> Result<AwsSettings, InvalidSetting> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|&(_, value)| value.to_owned());
        AwsSettings::read(&Variables::new(&variable), Access::new(region, "a-secret", "a-secret"))
    }

    #[tokio::test]
    async fn endpoints_are_those_of_the_sdk() {
        for (region, is_ours) in [
            ("eu-central-1", true),
            ("us-east-1", true),
            ("us-gov-west-1", true),
            ("mx-central-1", true),
            ("eusc-de-east-1", true),
            ("cn-north-1", false),
            ("us-iso-east-1", false),
            ("us-isob-east-1", false),
            ("eu-isoe-west-1", false),
            ("us-isof-south-1", false),
        ] {
            let params = Params::builder().region(region).build().unwrap();
            let resolved = DefaultResolver::new().resolve_endpoint(&params).await.unwrap();
            let endpoint = read(region, &[]).unwrap().endpoint;
            assert_eq!(endpoint.as_deref(), is_ours.then_some(resolved.url()), "{region}");
        }
    }

    #[test]
    fn amazon_roots_are_trusted_for_aws_endpoints() {
        assert!(matches!(read("eu-central-1", &[]).unwrap().trusted_roots, TrustedRoots::Only(_)));
        for region in ["cn-north-1", "us-iso-east-1", "eu-isoe-west-1", "eusc-de-east-1"] {
            assert!(matches!(read(region, &[]).unwrap().trusted_roots, TrustedRoots::System), "{region}");
        }
        let custom = read("eu-central-1", &[("AWS_ENDPOINT_URL_DYNAMODB", "https://localhost:4566")]).unwrap();
        assert_eq!(custom.endpoint.as_deref(), Some("https://localhost:4566"));
        assert!(matches!(custom.trusted_roots, TrustedRoots::System));
    }

    #[test]
    fn bundle_replaces_all_roots() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/aws/amazon-trust-services.pem");
        let endpoint = ("AWS_ENDPOINT_URL_DYNAMODB", "https://localhost:4566");
        let settings = read("eu-central-1", &[("AWS_CA_BUNDLE", path), endpoint]).unwrap();
        assert!(matches!(settings.trusted_roots, TrustedRoots::Only(_)));
        assert!(read("eu-central-1", &[("AWS_CA_BUNDLE", "/nowhere")]).is_err());
    }

    #[test]
    fn empty_setting_is_no_default() {
        for name in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_CA_BUNDLE"] {
            assert_eq!(
                read("eu-central-1", &[(name, "")]).unwrap_err().to_string(),
                format!("{name} is set but empty")
            );
        }
    }

    #[test]
    fn debug_output_has_no_credentials() {
        let text = format!("{:?}", read("eu-central-1", &[]).unwrap());
        assert!(text.contains("eu-central-1") && !text.contains("a-secret"), "{text}");
    }
}
