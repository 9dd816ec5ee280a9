//! `assay proof`

use std::path::PathBuf;
use std::process::ExitCode;

use assay_protocol::fraud_proof::{ProofFile, Proven};

use super::account::read_json;
use super::{fail, say};

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
    let proof: ProofFile = match read_json(file) {
        Ok(proof) => proof,
        Err(e) => return e.exit(),
    };
    match proof.verify() {
        Ok(proven) => {
            say(summary(&proof, &proven));
            ExitCode::SUCCESS
        }
        Err(e) => fail(
            format!("{}: the proof does not hold: {e}", file.display()),
            1,
        ),
    }
}

fn summary(file: &ProofFile, proven: &Proven) -> String {
    let (chain, proof) = (&file.domain, &file.proof);
    format!(
        "the proof holds on chain {} for the court at {}\n\
         transcoder   {}\nbroadcaster  {}\nreceipt      {}\n\
         leaf         {} (rendition {}, chunk {})\nclaimed      {}\nrecomputed   {}\n\
         signers      {} of {}, {} basis points of the weight",
        chain.chain_id,
        chain.court,
        proven.transcoder,
        file.broadcaster,
        proven.receipt_hash,
        proof.leaf_index,
        proof.leaf.rendition,
        proof.leaf.chunk,
        proof.leaf.output_hash,
        proof.recomputed_hash,
        file.signers.len(),
        file.verifiers.seats.len(),
        proven.weight_bps()
    )
}
