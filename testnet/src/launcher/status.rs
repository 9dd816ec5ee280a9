//! Which processes run and what the chain says of them, as a table.

use std::fmt::Write;
use std::path::Path;

use assay_chain::ChainError;
use assay_chain::anvil::dev_key;
use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_chain::views::Role;
use assay_node::status::Status;
use assay_protocol::Address;

use super::daemon::Daemon;
use super::folder::Folder;
use super::network::{Network, Operator};
use super::{CHAIN, LauncherError};

/// Describes the network in `dir`.
///
/// # Errors
/// [`LauncherError::NoNetwork`] when nothing was started there. A chain that is away is part of the description.
pub async fn status(dir: &Path) -> Result<String, LauncherError> {
    let folder = Folder::new(dir)?;
    let network = Network::load(folder.dir())?;
    let (daemons, _) = folder.daemons()?;
    let deployment = Deployment::load(&folder.deployment())?;
    let client = Client::connect(&network.rpc, &deployment, dev_key(0)?).await;
    let mut text = match &client {
        Ok(client) => about_chain(client, &network.rpc).await?,
        Err(e) => format!("chain {} does not answer: {e}\n", network.rpc),
    };
    let _ = writeln!(
        text,
        "\n{:<14} {:>8}  {:>5}  {:>7}  {:>14}  {:>10}  account",
        "name", "process", "peers", "block", "stake (LPT)", "cases"
    );
    let process = |name: &str| {
        let daemon = daemons.iter().find(|daemon| daemon.name == name);
        match daemon {
            Some(daemon) if daemon.is_alive() => daemon.pid.to_string(),
            Some(_) => "died".into(),
            None => "-".into(),
        }
    };
    let _ = writeln!(text, "{CHAIN:<14} {:>8}", process(CHAIN));
    for operator in &network.operators {
        let seen = daemons
            .iter()
            .find(|daemon| daemon.name == operator.name && daemon.is_alive())
            .and_then(|daemon| Some((daemon, Status::read(&folder.node(&operator.name))?)));
        let seen = seen.filter(|(daemon, status): &(&Daemon, Status)| daemon.pid == status.pid);
        let (peers, head) = match seen {
            Some((_, status)) => (status.peers.to_string(), status.head.to_string()),
            None => ("-".into(), "-".into()),
        };
        let (stake, cases) = match &client {
            Ok(client) => about_stake(client, operator).await?,
            Err(_) => ("?".into(), "?".into()),
        };
        let _ = writeln!(
            text,
            "{:<14} {:>8}  {peers:>5}  {head:>7}  {stake:>14}  {cases:>10}  {}{}",
            operator.name,
            process(&operator.name),
            operator.address,
            if operator.cheats { "  cheats" } else { "" }
        );
    }
    Ok(text.trim_end().into())
}

async fn about_chain(client: &Client, rpc: &str) -> Result<String, ChainError> {
    let (head, round) = (client.head().await?, client.round().await?);
    let (open, executed) = cases(client, None).await?;
    Ok(format!(
        "chain {rpc}: block {}, round {} (the next one from block {}), {} LPT in existence\n\
         cases: {open} open, {executed} executed\n",
        head.number,
        round.round,
        round.openable_at,
        client.lpt_supply().await?
    ))
}

async fn cases(client: &Client, operator: Option<Address>) -> Result<(usize, usize), ChainError> {
    let (mut open, mut executed) = (0, 0);
    for id in client.case_ids(operator).await? {
        match client.case(id).await? {
            Some(case) if case.is_executed() => executed += 1,
            Some(case) if !case.status.is_final() => open += 1,
            Some(_) => {}
            None => {}
        }
    }
    Ok((open, executed))
}

async fn about_stake(client: &Client, operator: &Operator) -> Result<(String, String), ChainError> {
    let role = match operator.role.as_str() {
        "transcoder" => Role::Transcoder,
        "verifier" => Role::Verifier,
        _ => return Ok(("-".into(), "-".into())),
    };
    let pool = client.pool(role, operator.address).await?;
    let (open, executed) = cases(client, Some(operator.address)).await?;
    let cases = match (open, executed) {
        (0, 0) => "0".into(),
        (open, executed) => format!("{open}+{executed}"),
    };
    Ok((pool.bonded().to_string(), cases))
}
