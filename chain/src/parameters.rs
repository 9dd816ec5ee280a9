//! The parameters that the contracts are constructed with: under their names and in the order of `Parameters.sol`.

use alloy_primitives::{Address, U256};
use assay_protocol::params::Params;
use ethers::abi::{Abi, AbiDecode, Token};
use ethers::core::types as eth;

use crate::bindings::abis;
use crate::client::Client;
use crate::convert::{word_in, word_out};
use crate::error::ChainError;

/// A parameter: its name and field in Solidity, its value here.
pub(crate) struct Parameter {
    pub name: &'static str,
    /// Bits of the field.
    pub bits: usize,
    pub value: U256,
}

/// All of them, in order.
pub(crate) fn parameters(p: &Params) -> Vec<Parameter> {
    let of = |bits, name, value: u64| Parameter {
        name,
        bits,
        value: U256::from(value),
    };
    let long = |name, value| of(64, name, value);
    let short = |name, value| of(16, name, value);
    let wide = |name, value: U256| Parameter {
        name,
        bits: 256,
        value,
    };
    vec![
        long("roundLength", p.round_blocks),
        long("epochBlocks", p.epoch_blocks),
        long("deadlineBlocks", p.response_blocks),
        long("evidenceWindow", p.evidence_blocks),
        long("caseWindow", p.case_blocks),
        long("unbondingRounds", p.unbonding_rounds),
        long("seedDelayBlocks", p.seed_delay_blocks),
        short("maxTranscoders", p.active_transcoders),
        short("maxVerifiers", p.active_verifiers),
        short("delegationFactor", p.delegation_factor),
        wide("minimumOwnBond", p.min_own_bond.0),
        long("repeatRounds", p.repeat_rounds),
        short("wrongEncodeBps", p.wrong_encode_bps),
        short("equivocationBps", p.equivocation_bps),
        short("falsePassBps", p.false_pass_bps),
        short("falseAccusationBps", p.false_accusation_bps),
        short("earlyTicketBps", p.early_ticket_bps),
        short("divergenceBps", p.divergence_bps),
        short("finderBps", p.finder_bps),
        short("signersBps", p.signers_bps),
        of(32, "checksPerLeafPpm", p.checks_per_leaf_ppm),
        wide("contestBond", p.contest_bond.0),
        long("resolverRounds", p.resolver_rounds),
        long("capRounds", p.cap_rounds),
        short("breakerOperators", p.breaker_operators),
        short("breakerStakeBps", p.breaker_stake_bps),
        long("breakerRounds", p.breaker_rounds),
        wide("challengeBond", p.challenge_bond.0),
        long("challengeBlocks", p.challenge_blocks),
        wide("plantBond", p.plant_bond.0),
        short("burnedFeeBps", p.burned_fee_bps),
        long("unlockRounds", p.unlock_rounds),
        short("targetBondingBps", p.target_bonding_bps),
        long("inflationPpb", p.inflation_ppb),
        long("inflationStepPpb", p.inflation_step_ppb),
        short("transcodersMintBps", p.transcoders_mint_bps),
        short("claimSlackBps", p.claim_slack_bps),
        wide("fullMintPixels", U256::from(p.full_mint_pixels)),
        long("certifyBlocks", p.certify_blocks),
        long("claimBlocks", p.claim_blocks),
    ]
}

/// The tuple that constructors take.
///
/// # Errors
/// [`ChainError::ParameterTooLarge`] where a value does not fit its field.
pub(crate) fn tuple(params: &Params) -> Result<Token, ChainError> {
    let fields = parameters(params).into_iter().map(|parameter| {
        if parameter.value.bit_len() > parameter.bits {
            return Err(ChainError::ParameterTooLarge {
                name: parameter.name,
                found: parameter.value,
                bits: parameter.bits,
            });
        }
        Ok(Token::Uint(word_out(parameter.value)))
    });
    Ok(Token::Tuple(fields.collect::<Result<_, _>>()?))
}

/// Whether a contract shows a number under that name.
fn shows(abi: &Abi, name: &str) -> bool {
    let views = abi.functions_by_name(name).into_iter().flatten();
    views.into_iter().any(|view| view.inputs.is_empty())
}

impl Client {
    /// Holds every parameter that a contract of the deployment shows against those that this node follows.
    ///
    /// # Errors
    /// [`ChainError::Parameter`] for the first one that differs.
    pub async fn check_params(&self, expected: &Params) -> Result<(), ChainError> {
        for (at, abi) in abis(self.contracts()) {
            for parameter in parameters(expected) {
                if shows(abi, parameter.name) {
                    self.same(at, &parameter).await?;
                }
            }
        }
        Ok(())
    }

    async fn same(&self, at: Address, expected: &Parameter) -> Result<(), ChainError> {
        let name = expected.name;
        let selector = Selector(ethers::utils::id(format!("{name}()")));
        let Word(found) = self.view(name, at, selector).await?;
        if found == expected.value {
            return Ok(());
        }
        Err(ChainError::Parameter {
            name,
            found,
            expected: expected.value,
        })
    }
}

/// A call without arguments.
struct Selector([u8; 4]);

impl ethers::abi::AbiEncode for Selector {
    fn encode(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

/// Any unsigned integer of the ABI: one word.
struct Word(U256);

impl AbiDecode for Word {
    fn decode(bytes: impl AsRef<[u8]>) -> Result<Self, ethers::abi::AbiError> {
        eth::U256::decode(bytes).map(|word| Self(word_in(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and types of the constructor's tuple in the committed ABI.
    fn declared() -> Vec<(String, String)> {
        let artifact: serde_json::Value =
            serde_json::from_str(include_str!("../abi/RoundsManager.json")).unwrap();
        let entries = artifact["abi"].as_array().unwrap();
        let constructor = entries.iter().find(|e| e["type"] == "constructor").unwrap();
        let fields = constructor["inputs"][0]["components"].as_array().unwrap();
        let text = |field: &serde_json::Value, key: &str| field[key].as_str().unwrap().to_owned();
        fields
            .iter()
            .map(|field| (text(field, "name"), text(field, "type")))
            .collect()
    }

    #[test]
    fn the_tuple_is_that_of_the_contracts() {
        for params in [Params::mainnet(), Params::testnet(), Params::demo()] {
            let ours = parameters(&params).into_iter();
            let ours: Vec<_> = ours
                .map(|p| (p.name.to_owned(), format!("uint{}", p.bits)))
                .collect();
            assert_eq!(ours, declared());
            assert!(tuple(&params).is_ok());
        }
        let params = Params {
            signers_bps: 1 << 16,
            ..Params::demo()
        };
        assert!(matches!(
            tuple(&params),
            Err(ChainError::ParameterTooLarge {
                name: "signersBps",
                ..
            })
        ));
    }
}
