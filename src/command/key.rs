//! `assay key`: key files of accounts that are no node's, such as the cold owner of a stake.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_node::keystore::{self, Cost};
use assay_protocol::sig::OperatorKey;
use zeroize::Zeroizing;

use super::error::{CommandError, finish};
use super::{password, say};

/// Options of `assay key`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a new account and write its key file (web3 secret storage, as geth and cast read it).
    New(Target),
    /// Write the key file of an account whose secret is known: 32 bytes in hex, typed unseen or from a private file.
    Import {
        #[command(flatten)]
        target: Target,
        /// File that holds the secret (mode 600), instead of typing it.
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
    },
    /// Say which account a key file is of, without opening it.
    Show {
        /// The key file.
        file: PathBuf,
    },
}

#[derive(clap::Args)]
struct Target {
    /// Folder for the file, which is named after time and account.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// File whose first line is the password (mode 600); asked for on the terminal if it is left out.
    #[arg(long, value_name = "FILE", env = "ASSAY_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
}

/// Carries it out.
pub fn run(arguments: &Arguments) -> ExitCode {
    finish(match &arguments.action {
        Action::New(target) => fresh().and_then(|key| write(target, &key)),
        Action::Import {
            target,
            secret_file,
        } => secret(secret_file.as_deref()).and_then(|key| write(target, &key)),
        Action::Show { file } => show(file),
    })
}

fn fresh() -> Result<OperatorKey, CommandError> {
    let mut secret = Zeroizing::new([0u8; 32]);
    rand::RngCore::fill_bytes(&mut rand::rngs::OsRng, secret.as_mut_slice());
    key(&secret)
}

fn secret(file: Option<&Path>) -> Result<OperatorKey, CommandError> {
    let text = match file {
        Some(path) => password::from_file(path)?,
        None => password::ask("secret, 64 hex digits")?,
    };
    let mut secret = Zeroizing::new([0u8; 32]);
    let digits = text.trim().trim_start_matches("0x");
    hex::decode_to_slice(digits, secret.as_mut_slice())
        .map_err(|_| CommandError::Argument("a secret is 32 bytes in hex: 64 digits".into()))?;
    key(&secret)
}

fn key(secret: &[u8; 32]) -> Result<OperatorKey, CommandError> {
    OperatorKey::from_bytes(*secret).map_err(|e| CommandError::Argument(e.to_string()))
}

fn write(target: &Target, key: &OperatorKey) -> Result<(), CommandError> {
    let password = password::choose(target.password_file.as_deref())?;
    let folder = &target.folder;
    std::fs::create_dir_all(folder).map_err(|source| CommandError::File {
        path: folder.clone(),
        source,
    })?;
    let path = folder.join(keystore::file_name(key.address()));
    keystore::write(&path, key, &password, Cost::STANDARD)?;
    say(format!(
        "account  {}\nkey file {}",
        key.address(),
        path.display()
    ));
    Ok(())
}

fn show(file: &Path) -> Result<(), CommandError> {
    match keystore::stated_account(file)? {
        Some(account) => say(account),
        None => {
            return Err(CommandError::Argument(format!(
                "{} does not say whose key it holds; any command with --key does, once it is opened",
                file.display()
            )));
        }
    }
    Ok(())
}
