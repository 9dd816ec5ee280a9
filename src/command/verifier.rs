//! `assay verifier`: what a verifier needs besides a bond.

use std::path::PathBuf;
use std::process::ExitCode;

use assay_chain::call::VerifierCall;
use assay_node::Keys;
use assay_protocol::Address;
use assay_protocol::bls::possession_message;

use super::account::AccountOptions;
use super::error::{CommandError, finish};

/// Options of `assay verifier`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Register a node's BLS key with its proof of possession, once; by the owner or its signer.
    Register {
        /// The node's folder of keys, as `assay init` makes it.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// The owner's account. Default: the one for which the key signs.
        #[arg(long, value_name = "ADDRESS")]
        operator: Option<Address>,
        #[command(flatten)]
        account: AccountOptions,
    },
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    let Action::Register {
        keys,
        operator,
        account,
    } = arguments.action;
    finish(register(&keys, operator, &account).await)
}

async fn register(
    folder: &std::path::Path,
    operator: Option<Address>,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let bls = Keys::load_bls(folder)?;
    let session = account.open().await?;
    let operator = session.operator(operator).await?;
    let key = bls.public();
    let registry = session.client.contracts().verifier_registry;
    let possession = possession_message(&key, operator, session.deployment.chain_id, registry)
        .and_then(|message| bls.prove_possession(message))
        .map_err(|e| CommandError::Argument(format!("{}: {e}", folder.display())))?;
    let call = VerifierCall::Register {
        operator,
        key,
        possession,
    };
    session.carry_out(None, vec![call.into()]).await
}
