//! `assay proof`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_protocol::fraud_proof::ProofFile;

use super::{USAGE, fail};

/// Options of `assay proof`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Check signatures, Merkle path, quorum and aggregate of a proof file, offline. That the verifiers in the file
    /// are those of the chain's snapshot is for the reader to compare.
    Verify {
        /// The file.
        file: PathBuf,
    },
}

/// Exit code 0 when the proof holds, 1 when it does not, 2 when the file is none.
pub fn run(arguments: &Arguments) -> ExitCode {
    let Action::Verify { file } = &arguments.action;
    let proof = match read(file) {
        Ok(proof) => proof,
        Err(reason) => return fail(format!("{}: {reason}", file.display()), USAGE),
    };
    match proof.verify() {
        Ok(proven) => {
            let chain = &proof.domain;
            println!("the proof holds on chain {} for the court at {}", chain.chain_id, chain.court);
            println!("transcoder   {}", proven.transcoder);
            println!("broadcaster  {}", proof.broadcaster);
            println!("receipt      {}", proven.receipt_hash);
            println!("leaf         {} (rendition {}, chunk {})", proof.proof.leaf_index, proof.proof.leaf.rendition, proof.proof.leaf.chunk);
            println!("claimed      {}", proof.proof.leaf.output_hash);
            println!("recomputed   {}", proof.proof.recomputed_hash);
            println!("signers      {} of {}, {} basis points of the weight", proof.signers.len(), proof.verifiers.seats.len(), proven.weight_bps());
            ExitCode::SUCCESS
        }
        Err(e) => fail(format!("{}: the proof does not hold: {e}", file.display()), 1),
    }
}

fn read(path: &Path) -> Result<ProofFile, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes).map_err(|e| format!("not a proof file: {e}"))
}
