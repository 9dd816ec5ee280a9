//! The JSON report of a demonstration; field names and units are those of the README.

use assay_chain::contracts::Contracts;
use assay_protocol::amount::{Eth, Lpt};
use assay_protocol::{Address, B256};
use serde::{Serialize, Serializer};

/// The whole report.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // The names are the documentation; units are in the README.
pub struct Report {
    pub input: Input,
    pub segments: u64,
    pub renditions: usize,
    pub chunks: u64,
    pub samples: u64,
    pub sample_fraction: f64,
    pub transcoders: Vec<Transcoder>,
    pub verifiers: Vec<Verifier>,
    pub fraud_proofs: Vec<FraudProof>,
    pub rounds_certified: usize,
    pub minted_lpt: Lpt,
    pub delegator: Option<Delegator>,
    /// Everything that tickets have cost the broadcaster; of it `fees_burned_eth` are burned.
    pub fees_paid_eth: Eth,
    pub fees_burned_eth: Eth,
    pub encode_cpu_seconds: f64,
    pub verify_cpu_seconds: f64,
    pub wall_seconds: f64,
    pub peak_rss_mib: u64,
    pub playlist: String,
    pub rpc: String,
    #[serde(serialize_with = "named")]
    pub contracts: Contracts,
}

/// What was published.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Input {
    pub path: String,
    pub codec: String,
    pub width: u32,
    pub height: u32,
    pub frames: u64,
    pub fps: f64,
}

/// One transcoder.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Transcoder {
    #[serde(serialize_with = "checksummed")]
    pub address: Address,
    pub stake_before: Lpt,
    pub stake_after: Lpt,
    pub segments: u64,
    pub cheats_made: u64,
    pub accused: usize,
    pub slashed: Lpt,
    pub minted: Lpt,
    pub tickets_won: u64,
    pub tickets_paid: u64,
    /// What its pool has earned: its own part and what its delegators share.
    pub fees_eth: Eth,
}

/// One verifier.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Verifier {
    #[serde(serialize_with = "checksummed")]
    pub address: Address,
    pub stake: Lpt,
    pub samples: u64,
    pub passes: u64,
    pub mismatches: u64,
    pub signed: u64,
    pub minted: Lpt,
    /// Its parts of what was slashed, as a signer of the proofs.
    pub signer_rewards: Lpt,
    /// Its parts of what was slashed, as the finder.
    pub finder_rewards: Lpt,
}

/// One proof that reached the chain.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct FraudProof {
    #[serde(serialize_with = "checksummed")]
    pub transcoder: Address,
    pub receipt: B256,
    pub leaf: u32,
    #[serde(serialize_with = "all_checksummed")]
    pub signers: Vec<Address>,
    pub signer_weight_bps: u64,
    pub gas_prove: u64,
    pub gas_execute: u64,
    pub tx_prove: B256,
    pub tx_execute: B256,
    pub seconds_from_receipt_to_proof: f64,
    pub block_proven: u64,
    pub block_executed: u64,
    pub burned: Lpt,
    pub signers_paid: Lpt,
    /// The finder's part; 0 until it has claimed it.
    pub finder_paid: Lpt,
    pub file: String,
}

/// The delegator's stake with the first transcoder.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Delegator {
    pub stake_before: Lpt,
    pub stake_after: Lpt,
    pub fees_eth: Eth,
}

fn checksummed<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(address)
}

fn named<S: Serializer>(contracts: &Contracts, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        contracts
            .named()
            .map(|(name, address)| (name, address.to_string())),
    )
}

fn all_checksummed<S: Serializer>(addresses: &[Address], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(addresses.iter().map(ToString::to_string))
}

impl Report {
    /// The summary for a person.
    pub fn table(&self) -> String {
        let mut out = format!(
            "\n{} segments, {} renditions, {} chunks; {} of them sampled ({:.0} %)\n\n",
            self.segments,
            self.renditions,
            self.chunks,
            self.samples,
            100.0 * self.sample_fraction
        );
        out += "transcoder                                   stake before    after   segments  cheats  accused  slashed\n";
        for t in &self.transcoders {
            out += &format!(
                "{}  {:>10} {:>10}  {:>8}  {:>6}  {:>7}  {:>7}\n",
                t.address,
                t.stake_before.to_string(),
                t.stake_after.to_string(),
                t.segments,
                t.cheats_made,
                t.accused,
                t.slashed.to_string()
            );
        }
        out += "\nverifier                                         stake    samples   passes  mismatches  proofs signed\n";
        for v in &self.verifiers {
            out += &format!(
                "{}  {:>8}  {:>9}  {:>7}  {:>10}  {:>13}\n",
                v.address,
                v.stake.to_string(),
                v.samples,
                v.passes,
                v.mismatches,
                v.signed
            );
        }
        for p in &self.fraud_proofs {
            out += &format!(
                "\nproof: leaf {} of {} after {:.1} s, {} signers ({:.1} %), prove {} gas, execute {} gas, {} LPT burned, {} LPT to signers\n       {}\n",
                p.leaf,
                p.transcoder,
                p.seconds_from_receipt_to_proof,
                p.signers.len(),
                p.signer_weight_bps as f64 / 100.0,
                p.gas_prove,
                p.gas_execute,
                p.burned,
                p.signers_paid,
                p.file
            );
        }
        out += &format!(
            "\nrounds certified: {}, {} LPT minted\nfees: {} ETH paid in tickets, {} ETH of it burned\n",
            self.rounds_certified, self.minted_lpt, self.fees_paid_eth, self.fees_burned_eth
        );
        if let Some(d) = &self.delegator {
            out += &format!(
                "\ndelegator: {} LPT before, {} LPT after\n",
                d.stake_before, d.stake_after
            );
        }
        out + &format!(
            "\nencode {:.1} CPU s, verify {:.1} CPU s, {:.1} s in all, {} MiB at most\nplaylist: {}\n",
            self.encode_cpu_seconds,
            self.verify_cpu_seconds,
            self.wall_seconds,
            self.peak_rss_mib,
            self.playlist
        )
    }
}
