//! Parameters for a network whose machines all share this one's cores.

use assay_protocol::U256;
use assay_protocol::amount::Eth;
use assay_protocol::params::Params;
use assay_protocol::profile::Profiles;
use assay_protocol::round_work::output_pixels;

use crate::stage;

/// A video whose key frames lie far apart gives segments that two cores cannot encode within the preset's D: then D
/// is as many blocks, of one second, as the longest segment (of `longest` frames) has seconds, and half of the preset's on
/// top; deposits stay locked for as long as that asks for. About every other ticket for such a segment wins.
pub(crate) fn paced(preset: Params, profiles: &Profiles, longest: u32) -> Params {
    let (num, den) = (profiles.source.fps_num, profiles.source.fps_den);
    let seconds = (u64::from(longest) * u64::from(den)).div_ceil(u64::from(num.max(1)));
    Params {
        ticket_face_value: Eth(U256::from(
            2 * stage::PRICE * output_pixels(profiles, longest),
        )),
        ..with_time_for(seconds, preset)
    }
}

/// Parameters with time to encode a segment of so many seconds.
fn with_time_for(seconds: u64, preset: Params) -> Params {
    let response = seconds + preset.response_blocks / 2;
    let mut params = Params {
        response_blocks: preset.response_blocks.max(response),
        ..preset
    };
    // What `TicketBroker`'s constructor asks for.
    let blocks = params.response_blocks + params.evidence_blocks + params.case_blocks;
    let least = 2 + params.resolver_rounds + blocks / params.round_blocks;
    params.unlock_rounds = params.unlock_rounds.max(least);
    params
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use assay_chain::anvil::{Anvil, AnvilConfig, dev_key};

    use super::*;

    #[tokio::test]
    async fn contracts_take_the_times_of_the_longest_segments() {
        let look_in = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../chain")];
        let anvil = Anvil::start(&AnvilConfig {
            look_in,
            ..AnvilConfig::default()
        })
        .await
        .unwrap();
        let deployer = dev_key(0).unwrap();
        for seconds in [27, 60] {
            let params = with_time_for(seconds, Params::demo());
            stage::deploy_seeded(&anvil.url(), &deployer, &params, 1)
                .await
                .unwrap();
        }
    }
}
