//! Watches sources for changes.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;
use xtask::project;

const EXTENSIONS: [&str; 11] = ["css", "html", "js", "json", "mjs", "rs", "svg", "toml", "ts", "tsx", "yaml"];

/// Folders that are generated from sources.
const MADE: [&str; 3] = ["artifacts", "dist", "node_modules"];

/// Files and folders of the project, as they were last seen.
#[derive(Debug, Clone)]
pub struct Sources {
    paths: Vec<PathBuf>,
    seen: u64,
}

impl Sources {
    /// The sources at `paths` in the project, as they are now. They need not be there.
    #[must_use]
    pub fn now<const N: usize>(paths: [&str; N]) -> Self {
        let paths = paths.map(|path| project::root().join(path)).to_vec();
        let seen = fingerprint(&paths);
        Self { paths, seen }
    }

    /// A number that changes with the names and the times of the files.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.seen
    }

    /// Returns when the sources have changed and then stayed the same for a moment.
    pub async fn changed(&mut self) {
        const INTERVAL: Duration = Duration::from_millis(500);
        let mut before = self.seen;
        loop {
            sleep(INTERVAL).await;
            let now = fingerprint(&self.paths);
            if now != self.seen && now == before {
                self.seen = now;
                return;
            }
            before = now;
        }
    }
}

fn fingerprint(paths: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        hash(path, &mut hasher);
    }
    hasher.finish()
}

fn hash(path: &Path, hasher: &mut DefaultHasher) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if path.is_dir() {
        if !name.starts_with('.') && !MADE.contains(&&*name) {
            let mut entries: Vec<_> =
                fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            entries.sort();
            entries.iter().for_each(|entry| hash(entry, hasher));
        }
    } else if path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known)) {
        path.hash(hasher);
        fs::metadata(path).and_then(|metadata| metadata.modified()).ok().hash(hasher);
    }
}
