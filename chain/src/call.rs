//! Everything a node does on chain.

use alloy_primitives::{Address, B256, Bytes, U256};
use assay_protocol::amount::Lpt;
use assay_protocol::bls::{BlsError, BlsPublicKey, BlsSignature};
use assay_protocol::fraud_proof::FraudProof;
use ethers::abi::AbiEncode;

use crate::bindings as abi;
use crate::contracts::Contracts;
use crate::convert::{address_out, word_out};
use crate::evidence::{self, receipt, verdict};
use crate::fault::{Equivocation, LeafFault, VerifierEquivocation};
use crate::views::Role;

/// A transaction by its meaning.
#[derive(Clone, Debug)]
pub enum Call {
    /// Opens the next round once the present one is over.
    OpenRound,
    /// Allows the bonding manager to take this much LPT.
    Approve {
        /// The allowance; replaces the previous one.
        amount: Lpt,
    },
    /// Moves LPT.
    Transfer {
        /// Who gets it.
        to: Address,
        /// How much.
        amount: Lpt,
    },
    /// Moves ETH.
    SendEther {
        /// Who gets it.
        to: Address,
        /// How much.
        wei: U256,
    },
    /// Adds to the account's own bond; needs an allowance.
    Bond {
        /// Which pool.
        role: Role,
        /// How much.
        amount: Lpt,
    },
    /// Delegates to an operator; needs an allowance.
    Delegate {
        /// Which pool.
        role: Role,
        /// Whose pool.
        operator: Address,
        /// How much.
        amount: Lpt,
    },
    /// Starts to take stake out of a pool.
    Unbond {
        /// Which pool.
        role: Role,
        /// Whose pool; the account itself for its own bond.
        operator: Address,
        /// How much.
        amount: Lpt,
    },
    /// Pays out a ripe lock.
    Withdraw {
        /// The lock.
        lock: U256,
    },
    /// Sets the operator's terms from the next snapshot on.
    SetTerms {
        /// Which pool.
        role: Role,
        /// Part of rewards kept, basis points.
        reward_cut_bps: u16,
        /// Part of fees shared, basis points.
        fee_share_bps: u16,
        /// Wei per output pixel.
        price_per_pixel: u64,
    },
    /// Registers the account's BLS key, once and for good.
    RegisterVerifier {
        /// The key.
        key: BlsPublicKey,
        /// Its proof of possession over [`assay_protocol::bls::possession_message`].
        possession: BlsSignature,
    },
    /// Creates a job.
    CreateJob {
        /// Bytes of the profiles, `docs/protocol.md` section 4.
        profiles: Bytes,
        /// Wei per output pixel.
        max_price_per_pixel: U256,
    },
    /// Writes a job's seed down before its source forgets it.
    FixSeed {
        /// The job.
        job: U256,
    },
    /// Proves a wrong encode.
    Prove(Box<FraudProof>),
    /// Slashes after the case window.
    Execute {
        /// The case.
        case: B256,
    },
    /// Pays one signer of an executed case.
    ClaimSigner {
        /// The case.
        case: B256,
        /// The signer's position in the round's verifier set.
        position: u64,
    },
    /// Proves two receipts for one assignment.
    Equivocation(Box<Equivocation>),
    /// Proves two verdicts for one leaf.
    VerifierEquivocation(Box<VerifierEquivocation>),
    /// Proves a leaf that contradicts its place or the source.
    LeafFault(Box<LeafFault>),
}

/// A call as the chain takes it.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub label: String,
    pub to: Address,
    pub data: Bytes,
    pub value: U256,
}

impl Call {
    /// For logs and errors.
    fn label(&self) -> String {
        match self {
            Self::OpenRound => "open the round".into(),
            Self::Approve { amount } => format!("approve {amount}"),
            Self::Transfer { to, amount } => format!("send {amount} to {to}"),
            Self::SendEther { to, wei } => format!("send {wei} wei to {to}"),
            Self::Bond { amount, .. } => format!("bond {amount}"),
            Self::Delegate {
                operator, amount, ..
            } => format!("delegate {amount} to {operator}"),
            Self::Unbond {
                operator, amount, ..
            } => format!("unbond {amount} from {operator}"),
            Self::Withdraw { lock } => format!("withdraw lock {lock}"),
            Self::SetTerms { .. } => "set terms".into(),
            Self::RegisterVerifier { .. } => "register the BLS key".into(),
            Self::CreateJob { .. } => "create a job".into(),
            Self::FixSeed { job } => format!("fix the seed of job {job}"),
            Self::Prove(proof) => format!(
                "prove a wrong leaf {} of {}",
                proof.leaf_index, proof.assignment.transcoder
            ),
            Self::Execute { case } => format!("execute case {case}"),
            Self::ClaimSigner { case, position } => format!("pay signer {position} of case {case}"),
            Self::Equivocation(fault) => {
                format!("prove two receipts of {}", fault.work.assignment.transcoder)
            }
            Self::VerifierEquivocation(fault) => {
                format!("prove two verdicts of {}", fault.verifier)
            }
            Self::LeafFault(fault) => {
                format!(
                    "prove a false leaf {} of {}",
                    fault.leaf_index, fault.work.assignment.transcoder
                )
            }
        }
    }

    /// Address, data and value.
    ///
    /// # Errors
    /// When a BLS key or signature in it is no point.
    pub(crate) fn encode(&self, contracts: &Contracts) -> Result<Encoded, BlsError> {
        let (to, data, value) = match self {
            Self::SendEther { to, wei } => (*to, Vec::new(), *wei),
            Self::OpenRound => (
                contracts.rounds_manager,
                abi::rounds_manager::OpenRoundCall.encode(),
                U256::ZERO,
            ),
            Self::Approve { .. } | Self::Transfer { .. } => (
                contracts.livepeer_token,
                self.token(contracts.bonding_manager),
                U256::ZERO,
            ),
            Self::RegisterVerifier { key, possession } => {
                let call = abi::verifier_registry::RegisterCall {
                    key: key.to_evm()?.to_vec().into(),
                    possession: possession.to_evm()?.to_vec().into(),
                };
                (contracts.verifier_registry, call.encode(), U256::ZERO)
            }
            Self::CreateJob { .. } | Self::FixSeed { .. } => {
                (contracts.job_registry, self.job(), U256::ZERO)
            }
            Self::Bond { .. }
            | Self::Delegate { .. }
            | Self::Unbond { .. }
            | Self::Withdraw { .. }
            | Self::SetTerms { .. } => (contracts.bonding_manager, self.stake(), U256::ZERO),
            _ => (contracts.fraud_court, self.court()?, U256::ZERO),
        };
        Ok(Encoded {
            label: self.label(),
            to,
            data: data.into(),
            value,
        })
    }

    fn token(&self, bonding_manager: Address) -> Vec<u8> {
        use abi::livepeer_token::{ApproveCall, TransferCall};
        match self {
            Self::Approve { amount } => ApproveCall {
                spender: address_out(bonding_manager),
                value: word_out(amount.0),
            }
            .encode(),
            Self::Transfer { to, amount } => TransferCall {
                to: address_out(*to),
                value: word_out(amount.0),
            }
            .encode(),
            _ => Vec::new(),
        }
    }

    fn job(&self) -> Vec<u8> {
        use abi::job_registry::{CreateJobCall, FixSeedCall};
        match self {
            Self::CreateJob {
                profiles,
                max_price_per_pixel,
            } => CreateJobCall {
                profiles: profiles.to_vec().into(),
                max_price_per_pixel: word_out(*max_price_per_pixel),
            }
            .encode(),
            Self::FixSeed { job } => FixSeedCall {
                job_id: word_out(*job),
            }
            .encode(),
            _ => Vec::new(),
        }
    }

    fn stake(&self) -> Vec<u8> {
        use abi::bonding_manager::{
            BondCall, DelegateCall, SetTermsCall, UnbondCall, WithdrawCall,
        };
        match self {
            Self::Bond { role, amount } => BondCall {
                role: role.code(),
                amount: word_out(amount.0),
            }
            .encode(),
            Self::Delegate {
                role,
                operator,
                amount,
            } => DelegateCall {
                role: role.code(),
                operator: address_out(*operator),
                amount: word_out(amount.0),
            }
            .encode(),
            Self::Unbond {
                role,
                operator,
                amount,
            } => UnbondCall {
                role: role.code(),
                operator: address_out(*operator),
                amount: word_out(amount.0),
            }
            .encode(),
            Self::Withdraw { lock } => WithdrawCall {
                lock_id: word_out(*lock),
            }
            .encode(),
            Self::SetTerms {
                role,
                reward_cut_bps,
                fee_share_bps,
                price_per_pixel,
            } => SetTermsCall {
                role: role.code(),
                reward_cut_bps: *reward_cut_bps,
                fee_share_bps: *fee_share_bps,
                price_per_pixel: *price_per_pixel,
            }
            .encode(),
            _ => Vec::new(),
        }
    }

    fn court(&self) -> Result<Vec<u8>, BlsError> {
        use abi::fraud_court as court;
        Ok(match self {
            Self::Prove(proof) => evidence::prove(proof)?.encode(),
            Self::Execute { case } => court::ExecuteCall { case_id: case.0 }.encode(),
            Self::ClaimSigner { case, position } => court::ClaimSignerCall {
                case_id: case.0,
                position: (*position).into(),
            }
            .encode(),
            Self::Equivocation(fault) => court::EquivocationCall {
                signed: evidence::signed_work(&fault.work),
                other: receipt(&fault.other),
                other_signature: fault.other_signature.0.to_vec().into(),
            }
            .encode(),
            Self::VerifierEquivocation(fault) => court::VerifierEquivocationCall {
                verifier: address_out(fault.verifier),
                verdict: verdict(&fault.verdict),
                signature: fault.signature.to_evm()?.to_vec().into(),
                other: verdict(&fault.other),
                other_signature: fault.other_signature.to_evm()?.to_vec().into(),
            }
            .encode(),
            Self::LeafFault(fault) => evidence::leaf_fault(fault).encode(),
            _ => Vec::new(),
        })
    }
}
