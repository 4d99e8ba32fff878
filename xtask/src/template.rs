//! Lints `template.yaml`.

use std::path::Path;

use anyhow::Result;
use xshell::cmd;

use crate::project;

/// Lints the template before and after SAM's expansion, because each form shows faults that the other hides.
///
/// # Errors
/// A linter found something.
pub fn check(linters: &Path) -> Result<()> {
    let shell = project::shell()?;
    let [sam, cfn_lint, python] = ["sam", "cfn-lint", "python"].map(|program| linters.join(program));
    cmd!(shell, "{sam} validate --lint --template template.yaml").env("SAM_CLI_TELEMETRY", "0").quiet().run()?;
    cmd!(shell, "{cfn_lint} template.yaml").quiet().run()?;

    let expanded = project::tools_folder().join("template.expanded.json");
    let text = cmd!(shell, "{python} xtask/expand_template.py template.yaml").quiet().read()?;
    shell.write_file(&expanded, text)?;
    // W2001 reports unused parameters; the expansion has inserted their defaults.
    Ok(cmd!(shell, "{cfn_lint} --ignore-checks W2001 -- {expanded}").quiet().run()?)
}
