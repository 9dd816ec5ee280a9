//! Passwords and secrets: from a private file or a terminal, never from arguments or the environment.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assay_node::KeyError;
use zeroize::Zeroizing;

use super::error::CommandError;

/// The first line of a file that nobody else may read.
pub fn from_file(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let error = |source| CommandError::File {
        path: path.into(),
        source,
    };
    let meta = std::fs::metadata(path).map_err(error)?;
    let mode = meta.permissions().mode() & 0o777;
    // A pipe has no readers but its ends.
    if meta.is_file() && mode & 0o077 != 0 {
        return Err(KeyError::Exposed {
            path: path.into(),
            mode,
        }
        .into());
    }
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(error)?;
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().into(),
    ))
}

/// Asks on the terminal without showing what is typed.
pub fn ask(question: &str) -> Result<Zeroizing<String>, CommandError> {
    let answer = rpassword::prompt_password(format!("{question}: "));
    answer.map(Zeroizing::new).map_err(CommandError::NoTerminal)
}

/// A new password: from a file, or typed twice.
pub fn choose(file: Option<&Path>) -> Result<Zeroizing<String>, CommandError> {
    let password = match file {
        Some(path) => from_file(path)?,
        None => {
            let first = ask("new password")?;
            if ask("once more")? != first {
                return Err(CommandError::Argument(
                    "the two passwords differ; nothing was written".into(),
                ));
            }
            first
        }
    };
    if password.is_empty() {
        return Err(CommandError::Argument(
            "an empty password protects nothing".into(),
        ));
    }
    Ok(password)
}
