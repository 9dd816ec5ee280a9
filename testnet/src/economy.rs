//! The economy without video: the protocol's own elections, credit and mint rules, driven through many rounds.
//!
//! [`wash`] works out what a broadcaster and a transcoder gain by work that they give to themselves, [`market`] lets
//! transcoders compete on price and delegators look for yield. Both are deterministic: the same seed, the same numbers,
//! on every machine, because everything that decides is an integer.

pub mod market;
pub mod pool;
pub mod wash;

use assay_protocol::demand::CreditRule;
use assay_protocol::mint::MintRule;
use assay_protocol::params::Params;

/// What stake earns by work, taken from a deployment's parameters.
pub fn mint_rule(params: &Params) -> MintRule {
    MintRule {
        transcoders_bps: params.transcoders_mint_bps,
        slack_bps: params.claim_slack_bps,
        full_mint_pixels: params.full_mint_pixels,
    }
}

/// How work counts against stake, taken from a deployment's parameters.
pub fn credit_rule(params: &Params) -> CreditRule {
    CreditRule {
        trim_bps: params.demand_trim_bps,
        slack_bps: params.claim_slack_bps,
    }
}
