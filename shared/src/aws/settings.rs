//! Where a service of AWS is, and which certificates it may show.

use super::{Access, Connector, TrustedRoots};
use crate::environment::{InvalidSetting, Variables, must_be_private, parse_url};

/// A service of AWS that functions use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// The first label of its endpoints.
    pub(super) label: &'static str,
    /// The setting that names another endpoint, as the SDK calls it.
    pub(crate) endpoint_setting: &'static str,
}

pub(crate) const DYNAMODB: Service = Service { label: "dynamodb", endpoint_setting: "AWS_ENDPOINT_URL_DYNAMODB" };
pub(crate) const SECRETS_MANAGER: Service =
    Service { label: "secretsmanager", endpoint_setting: "AWS_ENDPOINT_URL_SECRETS_MANAGER" };

/// Checked settings of a client.
#[derive(Debug)]
pub struct AwsSettings {
    pub(super) access: Access,
    pub(super) endpoint: String,
    pub(super) trusted_roots: TrustedRoots,
}

impl AwsSettings {
    /// Reads what may be set besides region and credentials: another endpoint, other certificates.
    ///
    /// # Errors
    /// Names the setting that is wrong.
    pub(crate) fn read(variables: &Variables<'_>, access: Access, service: Service) -> Result<Self, InvalidSetting> {
        let custom_endpoint = variables.optional(service.endpoint_setting)?;
        if let Some(endpoint) = &custom_endpoint {
            must_be_private(service.endpoint_setting, &parse_url(service.endpoint_setting, endpoint)?)?;
        }
        let dns_suffix = dns_suffix(access.region.as_ref());
        let trusted_roots = match variables.optional("AWS_CA_BUNDLE")? {
            Some(path) => TrustedRoots::bundle(&path)?,
            None if custom_endpoint.is_none() && dns_suffix == COMMERCIAL => TrustedRoots::amazon()?,
            None => TrustedRoots::System,
        };
        let in_region = || format!("https://{}.{}.{dns_suffix}", service.label, access.region);
        Ok(Self { endpoint: custom_endpoint.unwrap_or_else(in_region), trusted_roots, access })
    }

    /// A connector that trusts the certificates that the service may show.
    pub(crate) fn connector(&self) -> Connector {
        Connector::trusting(self.trusted_roots.clone())
    }
}

/// The commercial regions, and those of the government of the United States.
const COMMERCIAL: &str = "amazonaws.com";
/// Regions that AWS runs separately, with other roots: China, the European Sovereign Cloud, and those that are isolated
/// from the Internet.
const APART: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
];

/// As the SDK's own table of partitions has it.
fn dns_suffix(region: &str) -> &'static str {
    APART.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or(COMMERCIAL, |(_, suffix)| suffix)
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

    use super::*;

    fn read(region: &str, variables: &[(&str, &str)]) -> Result<AwsSettings, InvalidSetting> {
        read_of(DYNAMODB, region, variables)
    }

    fn read_of(service: Service, region: &str, variables: &[(&str, &str)]) -> Result<AwsSettings, InvalidSetting> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|&(_, value)| value.to_owned());
        AwsSettings::read(&Variables::new(&variable), Access::new(region, "a-secret", "a-secret"), service)
    }

    #[tokio::test]
    async fn endpoints_are_those_of_the_sdk() {
        for region in [
            "eu-central-1",
            "us-east-1",
            "us-gov-west-1",
            "mx-central-1",
            "eusc-de-east-1",
            "cn-north-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
            "us-isof-south-1",
        ] {
            let params = Params::builder().region(region).build().unwrap();
            let resolved = DefaultResolver::new().resolve_endpoint(&params).await.unwrap();
            assert_eq!(read(region, &[]).unwrap().endpoint, resolved.url());
        }
    }

    #[test]
    fn amazon_roots_are_trusted_for_aws_endpoints() {
        assert!(matches!(read("eu-central-1", &[]).unwrap().trusted_roots, TrustedRoots::Only(_)));
        for region in ["cn-north-1", "us-iso-east-1", "eu-isoe-west-1", "eusc-de-east-1"] {
            assert!(matches!(read(region, &[]).unwrap().trusted_roots, TrustedRoots::System), "{region}");
        }
        let custom = read("eu-central-1", &[("AWS_ENDPOINT_URL_DYNAMODB", "https://localhost:4566")]).unwrap();
        assert_eq!(custom.endpoint, "https://localhost:4566");
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
    fn endpoint_is_encrypted_or_on_this_machine() {
        for service in [DYNAMODB, SECRETS_MANAGER] {
            for (endpoint, is_accepted) in [
                ("http://10.0.0.1:4566", false),
                ("http://dynamodb.example", false),
                ("http://localhost.example", false),
                ("x", false),
                ("https://vpce.example", true),
                ("http://localhost:4566", true),
                ("http://127.0.0.1:8000", true),
            ] {
                let result = read_of(service, "eu-central-1", &[(service.endpoint_setting, endpoint)]);
                assert_eq!(result.is_ok(), is_accepted, "{endpoint}");
                let must_be = format!("{} must be", service.endpoint_setting);
                assert!(result.err().is_none_or(|error| error.to_string().starts_with(&must_be)), "{endpoint}");
            }
        }
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
