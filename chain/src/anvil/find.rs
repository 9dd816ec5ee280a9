//! Which anvil is started: a native one that is new enough.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::AnvilError;

/// A version of Foundry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u32,
    minor: u32,
}

/// The first that was tried; `scripts/deps.sh` asks for the same.
pub(super) const LEAST: Version = Version { major: 1, minor: 7 };

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Version {
    /// What a program that says it is anvil answers to `--version`: `anvil Version: 1.7.1`, before 1.0 `anvil 0.2.0 (…)`.
    fn read(answer: &str) -> Option<Self> {
        let words = answer.lines().next()?.strip_prefix("anvil ")?;
        let digits = words.trim_start_matches("Version: ");
        let mut numbers = digits.split('.').map(|number| number.parse().ok());
        Some(Self {
            major: numbers.next()??,
            minor: numbers.next()??,
        })
    }

    fn of(program: &Path) -> Option<Self> {
        let asked = Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .output();
        Self::read(&String::from_utf8_lossy(&asked.ok()?.stdout))
    }
}

/// The native anvil, new enough: on the PATH first, then in `look_in`.
pub fn find(look_in: &[PathBuf]) -> Result<PathBuf, AnvilError> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path).map(|folder| folder.join("anvil"));
    let given = look_in.iter().flat_map(|place| {
        let modules = place.join("node_modules");
        [
            place.clone(),
            platform_binary(&modules),
            modules.join(".bin/anvil"),
        ]
    });
    let mut passed_over = Vec::new();
    for candidate in on_path.chain(given).filter(|path| path.is_file()) {
        match native(&candidate).filter(|program| Version::of(program) >= Some(LEAST)) {
            Some(program) => return Ok(program),
            None => passed_over.push(candidate),
        }
    }
    Err(AnvilError::NotFound {
        looked_in: look_in.to_vec(),
        passed_over,
    })
}

/// npm's `anvil` is a script that starts the real one as its own child; the real one lies in a package inside it or beside
/// it, where Node.js looks for packages.
fn native(candidate: &Path) -> Option<PathBuf> {
    let resolved = candidate.canonicalize().ok()?;
    let mut start = [0u8; 2];
    std::io::Read::read_exact(&mut std::fs::File::open(&resolved).ok()?, &mut start).ok()?;
    if &start != b"#!" {
        return Some(resolved);
    }
    let folders = resolved.ancestors().skip(1);
    let mut binaries = folders.map(|folder| platform_binary(&folder.join("node_modules")));
    binaries.find(|binary| binary.is_file())
}

fn platform_binary(modules: &Path) -> PathBuf {
    let system = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    modules.join(format!("@foundry-rs/anvil-{system}-{machine}/bin/anvil"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_anvil_has_said_them() {
        let of = |text| Version::read(text).map(|version| version >= LEAST);
        assert_eq!(of("anvil Version: 1.7.1\nCommit SHA: 4072e48"), Some(true));
        assert_eq!(of("anvil Version: 1.10.0-nightly\n"), Some(true));
        assert_eq!(of("anvil Version: 1.5.1-stable\n"), Some(false));
        assert_eq!(of("anvil 0.2.0 (7bef9ca 2024-05-01)"), Some(false));
        assert_eq!(of("true (GNU coreutils) 9.1"), None);
    }
}
