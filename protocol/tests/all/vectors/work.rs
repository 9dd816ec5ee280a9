use alloy_primitives::{Address, B256, U256};
use assay_protocol::mint::{MintRule, Share};
use assay_protocol::work::{WorkClaim, WorkList, receipts_root};
use serde_json::json;

use super::{check, domain};

#[test]
fn work_and_what_it_earns() {
    let domain = domain();
    let lists: Vec<_> = [1u8, 2, 5]
        .iter()
        .map(|count| {
            let claims = (1..=*count).map(|i| WorkClaim {
                transcoder: Address::with_last_byte(i),
                round: 7,
                receiptsRoot: receipts_root((0..i).map(B256::repeat_byte).collect()),
                pixels: u64::from(i) << 40,
            });
            let list = WorkList {
                round: 7,
                claims: claims.collect(),
                total_pixels: 1 << 45,
            };
            let work = list.work(&domain, 0b1011);
            let paths: Vec<_> = list
                .claims
                .iter()
                .filter_map(|c| Some(list.open(&domain, c.transcoder)?.2))
                .collect();
            let digests: Vec<_> = list.claims.iter().map(|c| domain.digest(c)).collect();
            json!({
                "claims": list.claims, "digests": digests, "paths": paths,
                "work": work, "workDigest": domain.digest(&work),
            })
        })
        .collect();
    let whole = U256::from(10).pow(U256::from(18));
    let cases = [
        (
            6_555u64,
            9_000,
            2_500,
            1u64 << 40,
            1u64 << 44,
            1u64 << 44,
            10u64,
            100u64,
        ),
        (6_555, 9_000, 0, 1 << 43, 1 << 44, 1 << 44, 10, 100),
        (6_555, 9_000, 2_500, 1 << 43, 1 << 44, 1 << 44, 10, 100),
        (6_555, 9_000, 2_500, 12_345, 67_890, 1_000_003, 7, 31),
        (6_555, 9_000, 0, 67_890, 67_890, 67_891, 31, 31),
        (1, 10_000, 1_000, 1, 3, 1, 1, 7),
        (
            999_999_937,
            0,
            1_000,
            u64::MAX,
            u64::MAX,
            u64::MAX,
            1_000,
            1_001,
        ),
        (0, 9_000, 1_000, 5, 9, 3, 1, 2),
        (17, 3_333, 9_999, 1, u64::MAX, 1, 1, u64::MAX),
    ];
    let mint: Vec<_> = cases
        .iter()
        .map(|case| {
            let (budget, transcoders_bps, slack_bps, pixels, total_pixels, full, weight, total) = *case;
            // An odd unit, so that something is rounded.
            let budget = U256::from(budget) * whole + U256::from(budget.min(1));
            let rule = MintRule {
                transcoders_bps,
                slack_bps,
                full_mint_pixels: full,
            };
            let share = Share {
                weight: U256::from(weight) * whole,
                total: U256::from(total) * whole,
            };
            json!({
                "budget": budget.to_string(), "transcodersBps": transcoders_bps, "slackBps": slack_bps,
                "pixels": pixels.to_string(), "totalPixels": total_pixels.to_string(),
                "fullMintPixels": full.to_string(),
                "weight": share.weight.to_string(), "totalWeight": share.total.to_string(),
                "ofTranscoder": rule.of_transcoder(budget, pixels, total_pixels, share).to_string(),
                "ofVerifier": rule.of_verifier(budget, total_pixels, share).to_string(),
            })
        })
        .collect();
    check(
        "work.json",
        &json!({ "chainId": domain.chain_id, "court": domain.court, "lists": lists, "mint": mint }),
    );
}
