// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TimeBounds} from "../libraries/TimeBounds.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {RoundsManager} from "../RoundsManager.sol";
import {Network} from "./Network.sol";

contract TimeBoundsTest is Network {
    function setUp() external {
        deploy();
    }

    function test_the_presets_are_within_bounds() external pure {
        Parameters memory p = parameters();
        TimeBounds.check(p);
        // Mainnet's.
        (p.roundLength, p.epochBlocks, p.deadlineBlocks) = (6377, 25, 5);
        (p.evidenceWindow, p.caseWindow, p.unbondingRounds) = (3600, 3600, 7);
        (p.challengeBlocks, p.unlockRounds, p.certifyBlocks, p.claimBlocks) = (300, 4, 6377, 191_310);
        TimeBounds.check(p);
    }

    function test_every_time_has_bounds() external {
        Parameters memory p = parameters();
        p.roundLength = 0;
        _refused(p, "roundLength", 0, 1);
        p = parameters();
        p.epochBlocks = 9;
        _refused(p, "epochBlocks", 9, 8);
        p = parameters();
        p.deadlineBlocks = 256;
        _refused(p, "deadlineBlocks", 256, 255);
        p = parameters();
        p.evidenceWindow = 36_000_001;
        _refused(p, "evidenceWindow", 36_000_001, 36_000_000);
        p = parameters();
        p.caseWindow = 0;
        _refused(p, "caseWindow", 0, 1);
        p = parameters();
        p.unbondingRounds = 367;
        _refused(p, "unbondingRounds", 367, 366);
        p = parameters();
        p.seedDelayBlocks = 256;
        _refused(p, "seedDelayBlocks", 256, 255);
        p = parameters();
        p.repeatRounds = 0;
        _refused(p, "repeatRounds", 0, 1);
        p = parameters();
        p.resolverRounds = 0;
        _refused(p, "resolverRounds", 0, 1);
        p = parameters();
        p.capRounds = 0;
        _refused(p, "capRounds", 0, 1);
        p = parameters();
        p.breakerRounds = 367;
        _refused(p, "breakerRounds", 367, 366);
        p = parameters();
        p.challengeBlocks = 0;
        _refused(p, "challengeBlocks", 0, 1);
        p = parameters();
        p.unlockRounds = 0;
        _refused(p, "unlockRounds", 0, 1);
        p = parameters();
        p.certifyBlocks = 0;
        _refused(p, "certifyBlocks", 0, 1);
        p = parameters();
        p.claimBlocks = type(uint64).max;
        _refused(p, "claimBlocks", type(uint64).max, 36_000_000);
    }

    function _refused(Parameters memory p, string memory name, uint256 found, uint256 limit) private {
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, name, found, limit));
        create("RoundsManager", abi.encode(p, addresses));
    }
}
