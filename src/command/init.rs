//! `assay init`

use std::path::PathBuf;
use std::process::ExitCode;

use assay_node::Keys;

use super::{USAGE, fail, say};

/// Options of `assay init`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder for the keys; made if it is not there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Makes keys and says which accounts they are.
pub fn run(arguments: &Arguments) -> ExitCode {
    match Keys::generate(&arguments.folder) {
        Ok(keys) => {
            say(format!(
                "operator {}\nbls key  {}",
                keys.operator.address(),
                keys.bls.public().0
            ));
            ExitCode::SUCCESS
        }
        Err(e) => fail(e, USAGE),
    }
}
