//! Checks `template.yaml` and `edge.yaml`.
#![expect(clippy::print_stdout, reason = "the rehearsal says what it did")]

use anyhow::Result;
use xshell::cmd;

use crate::project;
use crate::tools::Toolset;

/// Lints the templates and rehearses a deployment. `template.yaml` is linted before and after SAM's expansion, because each
/// form shows faults that the other hides.
///
/// # Errors
/// A tool is missing, a linter found something, or the rehearsal failed.
pub fn check() -> Result<()> {
    let (linters, checkov) = (Toolset::LINTERS.install()?, Toolset::CHECKOV.install()?);
    let shell = project::shell()?;
    let [sam, cfn_lint, python] = ["sam", "cfn-lint", "python"].map(|program| linters.join(program));
    cmd!(shell, "{sam} validate --lint --template template.yaml").env("SAM_CLI_TELEMETRY", "0").quiet().run()?;
    cmd!(shell, "{cfn_lint} --include-checks I -- template.yaml edge.yaml").quiet().run()?;

    let expanded = project::tools_folder().join("template.expanded.json");
    let text = cmd!(shell, "{python} xtask/expand_template.py template.yaml").quiet().read()?;
    shell.write_file(&expanded, text)?;
    // W2001 reports unused parameters; the expansion has inserted their defaults.
    cmd!(shell, "{cfn_lint} --include-checks I --ignore-checks W2001 -- {expanded}").quiet().run()?;

    let checkov = checkov.join("checkov");
    let templates = cmd!(shell, "{checkov} --file {expanded} edge.yaml --framework cloudformation");
    templates.args(["--skip-download", "--quiet", "--compact"]).quiet().run()?;

    println!("{}", cmd!(shell, "{python} xtask/rehearse.py {expanded}").quiet().read()?);
    Ok(())
}
