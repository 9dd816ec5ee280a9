//! The figures of a demonstration put together: what the nodes told, what the chain says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_chain::ChainError;
use assay_chain::client::Client;
use assay_chain::events::{BrokerLog, Log};
use assay_chain::views::Role;
use assay_protocol::amount::{Eth, Lpt};
use assay_protocol::fraud_proof::{ProofFile, Proven};
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, U256};

use super::folder::Folders;
use crate::cast::{Part, Player};
use crate::clip::Clip;
use crate::ledger::{CaseFigures, Ledger, Payment};
use crate::report::{Delegator, FraudProof, Input, Report, Transcoder, Verifier};
use crate::stage::Stage;

/// Everyone's stake at one time.
pub(crate) struct Stakes {
    pools: BTreeMap<Address, Lpt>,
    delegated: Option<Lpt>,
    /// What all rounds so far have minted.
    minted: Lpt,
    /// Weights in the elections of the present round.
    weights: BTreeMap<Address, U256>,
    /// What the delegator could take out of its fees.
    delegators_fees: Eth,
    /// What is in the fee ledger of each transcoder's pool: what its holders could take out, and what is pending.
    fees: BTreeMap<Address, Eth>,
    /// ETH in the fee ledger.
    pub(crate) held_fees: Eth,
    /// Every payment on chain.
    pub(crate) payments: Vec<Payment>,
}

impl Stakes {
    /// Reads pools and the delegation from the chain.
    pub(crate) async fn read(
        url: &str,
        stage: &Stage,
        key: &OperatorKey,
        players: &[Player],
    ) -> Result<Self, ChainError> {
        let client = Client::connect(url, &stage.deployment, key.clone()).await?;
        let mut pools = BTreeMap::new();
        let (mut delegated, mut delegators_fees) = (None, Eth::default());
        let first = players
            .iter()
            .find(|p| matches!(p.part, Part::Transcoder { .. }))
            .map(Player::address);
        let mut fees = BTreeMap::new();
        for player in players {
            let role = match player.part {
                Part::Transcoder { .. } => {
                    let owner = player.address();
                    let own = client.fees_of(owner, owner).await?;
                    let pending = client.fees_pending(owner).await?;
                    fees.insert(owner, Eth(own.0 + pending.0));
                    Role::Transcoder
                }
                Part::Verifier => Role::Verifier,
                Part::Delegator => {
                    if let Some(operator) = first {
                        delegated = Some(
                            client
                                .stake_of(Role::Transcoder, operator, player.address())
                                .await?,
                        );
                        delegators_fees = client.fees_of(operator, player.address()).await?;
                    }
                    continue;
                }
                Part::Broadcaster => continue,
            };
            pools.insert(
                player.address(),
                client.pool(role, player.address()).await?.bonded(),
            );
        }
        if let Some(operator) = first {
            fees.entry(operator).or_default().0 += delegators_fees.0;
        }
        let payments = client.redemptions().await?.into_iter();
        let payments = payments.filter_map(|entry| match entry.what {
            Log::Broker(BrokerLog::TicketRedeemed {
                recipient,
                paid,
                burned,
                ..
            }) => Some(Payment {
                to: recipient,
                paid: paid.0,
                burned: burned.0,
            }),
            _ => None,
        });
        let ledger = stage.deployment.contracts.fee_ledger;
        let held_fees = Eth(client.eth_balance(ledger).await?);
        let round = client.round().await?.round;
        let weights = client.snapshot(Role::Transcoder, round).await?;
        let mut minted = U256::ZERO;
        for number in 1..=round {
            minted += client.budget(number).await?.minted.0;
        }
        Ok(Self {
            pools,
            delegated,
            minted: Lpt(minted),
            weights: weights
                .candidates
                .iter()
                .map(|c| (c.operator, c.weight))
                .collect(),
            delegators_fees,
            fees,
            held_fees,
            payments: payments.collect(),
        })
    }

    /// Weight in the elections of the present round; none for who is not elected.
    pub(crate) fn weight(&self, transcoder: Address) -> U256 {
        self.weights.get(&transcoder).copied().unwrap_or_default()
    }

    /// Fees in the fee ledger of a transcoder's pool.
    pub(crate) fn fees_in_pool(&self, transcoder: Address) -> Eth {
        self.fees.get(&transcoder).copied().unwrap_or_default()
    }

    fn of(&self, account: Address) -> Lpt {
        self.pools.get(&account).copied().unwrap_or_default()
    }
}

/// The sum of what `part` takes of each payment.
fn sum<'a>(payments: impl Iterator<Item = &'a Payment>, part: impl Fn(&Payment) -> U256) -> Eth {
    Eth(payments.fold(U256::ZERO, |sum, payment| sum.saturating_add(part(payment))))
}

/// What the report is made of besides the ledger.
pub(crate) struct Figures<'a> {
    pub input: &'a Path,
    pub clip: &'a Clip,
    pub players: &'a [Player],
    pub folders: &'a Folders,
}

impl Figures<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn report(
        &self,
        ledger: &Ledger,
        before: &Stakes,
        after: &Stakes,
        url: &str,
        stage: &Stage,
        wall: Duration,
        peak_rss_mib: u64,
    ) -> Report {
        let probe = &self.clip.probe;
        let mut fraud_proofs: Vec<_> = ledger
            .cases
            .values()
            .filter_map(|case| self.proof(ledger, case))
            .collect();
        fraud_proofs.sort_by_key(|proof| proof.block_proven);
        let samples = ledger.sampled.len() as u64;
        let players = self.players.iter();
        let transcoders = players
            .clone()
            .filter(|p| matches!(p.part, Part::Transcoder { .. }))
            .map(|player| {
                let address = player.address();
                let figures = ledger
                    .transcoders
                    .get(&address)
                    .cloned()
                    .unwrap_or_default();
                Transcoder {
                    address,
                    stake_before: before.of(address),
                    stake_after: after.of(address),
                    segments: figures.segments,
                    cheats_made: figures.cheats,
                    accused: figures.accused.len(),
                    slashed: Lpt(figures.slashed),
                    minted: Lpt(ledger.minted_to(address, false)),
                    tickets_won: ledger.won.values().filter(|who| **who == address).count() as u64,
                    tickets_paid: after.payments.iter().filter(|p| p.to == address).count() as u64,
                    fees_eth: sum(after.payments.iter().filter(|p| p.to == address), |p| {
                        p.paid - p.burned
                    }),
                }
            });
        let verifiers = players.filter(|p| p.part == Part::Verifier).map(|player| {
            let address = player.address();
            let figures = ledger.verifiers.get(&address).copied().unwrap_or_default();
            Verifier {
                address,
                stake: after.of(address),
                samples: figures.samples,
                passes: figures.passes,
                mismatches: figures.mismatches,
                signed: fraud_proofs
                    .iter()
                    .filter(|proof| proof.signers.contains(&address))
                    .count() as u64,
                minted: Lpt(ledger.minted_to(address, true)),
                signer_rewards: Lpt(ledger
                    .cases
                    .values()
                    .filter_map(|case| case.paid.get(&address))
                    .fold(U256::ZERO, |sum, amount| sum + *amount)),
                finder_rewards: Lpt(ledger
                    .cases
                    .values()
                    .filter_map(|case| case.finder.filter(|(who, _)| *who == address))
                    .fold(U256::ZERO, |sum, (_, amount)| sum + amount)),
            }
        });
        let delegator = before.delegated.zip(after.delegated);
        Report {
            input: Input {
                path: self.input.display().to_string(),
                codec: probe.codec.clone(),
                width: probe.width,
                height: probe.height,
                frames: self.clip.frames,
                fps: f64::from(probe.fps.0) / f64::from(probe.fps.1),
            },
            segments: ledger.delivered.len() as u64,
            renditions: self.clip.profiles.renditions.len(),
            chunks: ledger.leaves,
            samples,
            sample_fraction: if ledger.leaves == 0 {
                0.0
            } else {
                samples as f64 / ledger.leaves as f64
            },
            transcoders: transcoders.collect(),
            verifiers: verifiers.collect(),
            fraud_proofs,
            rounds_certified: ledger.certified.len(),
            minted_lpt: after.minted,
            delegator: delegator.map(|(stake_before, stake_after)| Delegator {
                stake_before,
                stake_after,
                fees_eth: after.delegators_fees,
            }),
            fees_paid_eth: sum(after.payments.iter(), |p| p.paid),
            fees_burned_eth: sum(after.payments.iter(), |p| p.burned),
            encode_cpu_seconds: ledger.encode_cpu.as_secs_f64(),
            verify_cpu_seconds: ledger.verify_cpu.as_secs_f64(),
            wall_seconds: wall.as_secs_f64(),
            peak_rss_mib,
            playlist: self.playlist().display().to_string(),
            rpc: url.into(),
            contracts: stage.deployment.contracts,
        }
    }

    fn playlist(&self) -> PathBuf {
        self.folders.hls.join("master.m3u8")
    }

    /// A case with its proof, once both transactions are known; the proof's file is copied where people look.
    fn proof(&self, ledger: &Ledger, case: &CaseFigures) -> Option<FraudProof> {
        let (prove, file) = case.prove.as_ref()?;
        let execute = case.execute?;
        let parsed: ProofFile = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        let proven = parsed.verify().ok()?;
        let signers = parsed.verifiers.signers(case.bitmap)?;
        let signed = signers.iter().fold(U256::ZERO, |sum, s| sum + s.weight);
        let kept = self.folders.proofs.join(file.file_name()?);
        if let Err(e) = std::fs::copy(file, &kept) {
            tracing::warn!("{}: {e}", kept.display());
        }
        let receipted = ledger.receipts.get(&case.leaf.receipt).map(|(_, at)| *at)?;
        Some(FraudProof {
            transcoder: case.operator,
            receipt: case.leaf.receipt,
            leaf: case.leaf.index,
            signers: signers.iter().map(|s| s.operator).collect(),
            signer_weight_bps: Proven { signed, ..proven }.weight_bps(),
            gas_prove: prove.gas,
            gas_execute: execute.gas,
            tx_prove: prove.hash,
            tx_execute: execute.hash,
            seconds_from_receipt_to_proof: case
                .seen
                .saturating_duration_since(receipted)
                .as_secs_f64(),
            block_proven: case.opened,
            block_executed: case.executed?,
            burned: Lpt(case.burned),
            signers_paid: Lpt(case
                .paid
                .values()
                .fold(U256::ZERO, |sum, amount| sum + *amount)),
            finder_paid: Lpt(case
                .finder
                .filter(|(who, _)| !who.is_zero())
                .map_or(U256::ZERO, |(_, amount)| amount)),
            file: kept.display().to_string(),
        })
    }
}
