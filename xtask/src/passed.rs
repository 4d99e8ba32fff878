//! Remembers which checks passed with which inputs, so that a check whose inputs are the same need not run again.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

/// Programs that are not pinned in the repository, and that a check may run.
const PROGRAMS: [&str; 5] = ["rustc", "cargo", "node", "python3", "valgrind"];
/// Variables that change what a check does.
const VARIABLES: [&str; 4] = ["CHROMIUM", "PROPTEST_CASES", "RUSTFLAGS", "TEST_DYNAMODB_URL"];

/// What decides whether a check passes.
pub struct Inputs {
    text: String,
    record: PathBuf,
}

impl Inputs {
    /// Reads the inputs of this check: the files below the shell's folder that match these path patterns of git, as they are
    /// now, the programs, and the environment. Ignored files do not count: others pin what they contain.
    ///
    /// # Errors
    /// The files cannot be read, or this is no git repository.
    pub fn read(shell: &Shell, check: &str, files: &[&str]) -> Result<Self> {
        let root = shell.current_dir();
        let listed = cmd!(
            shell,
            "git -c core.quotePath=false ls-files --cached --others --exclude-standard --deduplicate -- {files...}"
        );
        let listed = listed.quiet().ignore_stderr().read()?;
        // A deleted file may still be listed.
        let files: Vec<_> = listed.lines().filter(|file| root.join(file).exists()).collect();
        ensure!(!files.is_empty(), "no file matches");
        let hashes = cmd!(shell, "git hash-object --stdin-paths").stdin(files.join("\n")).quiet().read()?;
        let mut text: String =
            files.iter().zip(hashes.lines()).map(|(file, hash)| format!("{hash} {file}\n")).collect();
        for program in PROGRAMS {
            text += &format!("{program}: {}\n", version(shell, program).unwrap_or_default());
        }
        for name in VARIABLES {
            text += &format!("{name}={:?}\n", std::env::var_os(name));
        }
        Ok(Self { text, record: root.join("target/passed").join(check.replace(' ', "-")) })
    }

    /// Whether the check passed with these inputs the last time.
    #[must_use]
    pub fn have_passed(&self) -> bool {
        fs::read_to_string(&self.record).is_ok_and(|passed| passed == self.text)
    }

    /// Notes that the check has passed with them.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn note(&self) -> Result<()> {
        let folder = self.record.parent().context("a folder")?;
        fs::create_dir_all(folder).and_then(|()| fs::write(&self.record, &self.text)).context("cannot write the note")
    }
}

fn version(shell: &Shell, program: &str) -> Option<String> {
    cmd!(shell, "{program} --version").quiet().ignore_stderr().read().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_has_passed_until_an_input_changes() {
        let folder = std::env::temp_dir().join(format!("passed-{}", std::process::id()));
        let shell = Shell::new().unwrap();
        let _ = fs::remove_dir_all(&folder);
        shell.change_dir(shell.create_dir(&folder).unwrap());
        cmd!(shell, "git init --quiet").run().unwrap();
        let read = || Inputs::read(&shell, "a check", &[".", ":!docs"]).unwrap();
        let write = |file: &str, content: &str| shell.write_file(file, content).unwrap();
        write(".gitignore", "/target");
        for file in ["kept", "deleted", "docs/page"] {
            write(file, "before");
        }
        cmd!(shell, "git add .").run().unwrap();

        let changes: [(&str, &dyn Fn(), bool); 5] = [
            ("nothing", &|| (), true),
            ("a file that is no input", &|| write("docs/page", "after"), true),
            ("content", &|| write("kept", "after"), false),
            ("a new file", &|| write("new", ""), false),
            ("a deleted file", &|| shell.remove_path("deleted").unwrap(), false),
        ];
        assert!(!read().have_passed());
        for (what, change, has_passed) in changes {
            read().note().unwrap();
            change();
            assert_eq!(read().have_passed(), has_passed, "{what}");
        }
        assert!(!Inputs::read(&shell, "another check", &["."]).unwrap().have_passed());
        assert!(Inputs::read(&shell, "a check", &["nowhere"]).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
