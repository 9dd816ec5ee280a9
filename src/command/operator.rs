//! `assay operator`: which hot key signs for the owner of a stake.

use std::path::PathBuf;
use std::process::ExitCode;

use assay_chain::call::OperatorCall;
use assay_chain::views::Role;
use assay_protocol::Address;
use assay_protocol::sig::{OperatorKey, Signature};
use serde::Serialize;

use super::account::{AccountOptions, ChainOptions, RoleName, open_key_file, print_json};
use super::error::{CommandError, finish};
use super::say;

/// Options of `assay operator`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Let a hot key sign for the owner's account from the next round on; the owner's key pays.
    Authorise {
        /// The hot key's account.
        #[arg(required_unless_present = "signer_key", requires = "consent")]
        signer: Option<Address>,
        /// Its consent, as `assay operator consent` gives it: 65 bytes in hex.
        #[arg(long, value_name = "HEX")]
        consent: Option<String>,
        /// The hot key's file, or the folder that `assay init` made, instead of account and consent.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["signer", "consent"])]
        signer_key: Option<PathBuf>,
        /// Password file of the hot key.
        #[arg(long, value_name = "FILE", requires = "signer_key")]
        signer_password_file: Option<PathBuf>,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Sign with the owner's key again from the next round on.
    Revoke {
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Consent, with a hot key, to sign for an owner. Good for one authorisation.
    Consent {
        /// The owner's account.
        owner: Address,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Return to the next snapshot after missed duties; by the owner or its signer.
    Release {
        /// As what.
        #[arg(long)]
        role: RoleName,
        /// The owner's account. Default: the one for which the key signs.
        #[arg(long, value_name = "ADDRESS")]
        operator: Option<Address>,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Say who signs for an operator.
    Show {
        /// The owner's account.
        operator: Address,
        #[command(flatten)]
        chain: ChainOptions,
    },
}

/// Who signs for an operator, as JSON.
#[derive(Serialize)]
struct Signers {
    operator: Address,
    round: u64,
    signer: Address,
    next_signer: Address,
}

/// A hot key's consent, as JSON.
#[derive(Serialize)]
struct Consent {
    operator: Address,
    signer: Address,
    consent: String,
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    finish(match arguments.action {
        Action::Authorise {
            signer,
            consent,
            signer_key,
            signer_password_file,
            account,
        } => {
            let hot = match signer_key {
                Some(path) => match open_key_file(&path, signer_password_file.as_deref()) {
                    Ok(key) => Hot::Key(key),
                    Err(e) => return e.exit(),
                },
                None => Hot::Consent(signer.unwrap_or_default(), consent.unwrap_or_default()),
            };
            authorise(hot, &account).await
        }
        Action::Revoke { account } => revoke(&account).await,
        Action::Consent { owner, account } => consent(owner, &account).await,
        Action::Release {
            role,
            operator,
            account,
        } => release(role, operator, &account).await,
        Action::Show { operator, chain } => show(operator, &chain).await,
    })
}

/// Where a hot key's consent comes from.
enum Hot {
    Key(OperatorKey),
    Consent(Address, String),
}

async fn authorise(hot: Hot, account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    let (signer, consent) = match hot {
        Hot::Key(key) => {
            let client = &session.client;
            let digest = client.consent_digest(session.account(), key.address());
            (key.address(), key.sign(digest.await?))
        }
        Hot::Consent(signer, text) => {
            let mut bytes = [0u8; 65];
            hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
                .map_err(|_| CommandError::Argument("a consent is 65 bytes in hex".into()))?;
            (signer, Signature(bytes.into()))
        }
    };
    let call = OperatorCall::Authorise { signer, consent };
    session.carry_out(None, vec![call.into()]).await
}

async fn revoke(account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    session
        .carry_out(None, vec![OperatorCall::Revoke.into()])
        .await
}

async fn consent(owner: Address, account: &AccountOptions) -> Result<(), CommandError> {
    let key = account.open_key()?;
    let (client, _) = account.chain.look().await?;
    let digest = client.consent_digest(owner, key.address()).await?;
    let consent = format!("0x{}", hex::encode(key.sign(digest).0));
    if account.chain.json {
        return print_json(&Consent {
            operator: owner,
            signer: key.address(),
            consent,
        });
    }
    say(format!(
        "{} consents to sign for {owner}; the owner types:\n\
         assay operator authorise {} --consent {consent} --key OWNER_KEY_FILE",
        key.address(),
        key.address()
    ));
    Ok(())
}

async fn release(
    role: RoleName,
    operator: Option<Address>,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let session = account.open().await?;
    let operator = session.operator(operator).await?;
    let (role, params) = (Role::from(role), &session.deployment.params);
    let (places, pool) = (
        role.places(params),
        session.client.pool(role, operator).await?,
    );
    let client = &session.client;
    if !client
        .has_place(pool.weight, role, operator, places)
        .await?
    {
        session.warn(format!(
            "{operator} is not kept out any more by this, but has no place among the active {role}s: its own bond is below \
             {} LPT, or it is not larger than the smallest of {places}",
            params.min_own_bond
        ));
    }
    let call = OperatorCall::Release { role, operator };
    session.carry_out(None, vec![call.into()]).await
}

async fn show(operator: Address, chain: &ChainOptions) -> Result<(), CommandError> {
    let (client, _) = chain.look().await?;
    let round = client.round().await?.round;
    let signers = Signers {
        operator,
        round,
        signer: client.signer_at(operator, round).await?,
        next_signer: client.signer_at(operator, round + 1).await?,
    };
    if chain.json {
        return print_json(&signers);
    }
    let who = |signer: Address| match signer == operator {
        true => "itself".to_owned(),
        false => signer.to_string(),
    };
    say(format!(
        "in round {round} {operator} is signed for by {}",
        who(signers.signer)
    ));
    if signers.next_signer != signers.signer {
        say(format!(
            "from round {} on by {}",
            round + 1,
            who(signers.next_signer)
        ));
    }
    Ok(())
}
