// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FaultKind, SignedReceipt} from "../interfaces/IFraudCourt.sol";
import {Role} from "../objects/Role.sol";
import {Parameters} from "../Parameters.sol";
import {Courtroom} from "./Courtroom.sol";

/// [reporting oneself with delegators' money] Whatever parameters the constructor admits, whoever cheats, signs
/// every verdict, draws the leaf and delegates to itself is poorer afterwards.
contract SelfReportTest is Courtroom {
    Parameters private _p;

    /// @dev What the test has stored; the other networks' parameters are constants, hence pure.
    function parameters() internal pure override returns (Parameters memory) {
        function() internal view returns (Parameters memory) reads = _stored;
        function() internal pure returns (Parameters memory) stored;
        assembly ("memory-safe") {
            stored := reads
        }
        return stored();
    }

    function _stored() private view returns (Parameters memory) {
        return _p;
    }

    /// The accused's own bond, its delegations, and all rewards are one purse; what leaves it has burned.
    function testFuzz_reporting_oneself_always_loses(
        uint16 penalty,
        uint16 signers,
        uint16 finder,
        uint96 own,
        uint96 delegated
    ) external {
        _p = super.parameters();
        _p.wrongEncodeBps = uint16(bound(penalty, 1, 10_000));
        _p.signersBps = uint16(bound(signers, 0, 5000));
        _p.finderBps = uint16(bound(finder, 0, 5000 - _p.signersBps));
        startCourt();
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            bond(Role.Verifier, seat(i), 100_000 * LPT);
        }
        bond(Role.Transcoder, transcoder, bound(own, LPT, 10_000 * LPT));
        delegate(Role.Transcoder, transcoder, DELEGATOR, bound(delegated, LPT, 100_000 * LPT));
        passRounds(1);
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = prove(signed, 0xf);
        vm.roll((uint256(epochOf(signed.assignment)) + 1) * 5);
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            // Not every one has drawn it, and only the lowest counts.
            try challenges.claimFinder(signed.assignment, i, ticket(i, epochOf(signed.assignment))) {}
                catch {}
        }
        uint256 ownBefore = ownStake(Role.Transcoder, transcoder);
        uint256 delegatedBefore = bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR);
        uint256 supply = token.totalSupply();
        court.execute(caseId);
        uint256 rewards;
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            rewards += court.claimSigner(caseId, i);
        }
        vm.roll(signed.assignment.deadlineBlock + 21);
        uint256 burnedBefore = token.totalSupply();
        uint256 paid = challenges.settleFinder(signed.assignment);
        if (token.totalSupply() == burnedBefore) rewards += paid;
        uint256 ownCut = ownBefore - ownStake(Role.Transcoder, transcoder);
        uint256 cut = ownCut + delegatedBefore - bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR);
        vm.assertTrue(ownCut > 0 && rewards < cut, "reporting oneself pays");
        vm.assertLe(2 * rewards, ownCut + 2);
        vm.assertTrue(token.totalSupply() < supply);
    }

    /// The same for what brings its reporter a part: half at most, by one constant.
    function testFuzz_showing_ones_own_ticket_loses(uint16 penalty) external {
        _p = super.parameters();
        _p.earlyTicketBps = uint16(bound(penalty, 1, 10_000));
        startCourt();
        uint64 epoch = uint64(block.number / 5);
        bytes32 caseId = challenges.showEarlyTicket(seat(1), epoch, ticket(1, epoch));
        afterWindow();
        uint256 before = ownStake(Role.Verifier, seat(1));
        court.execute(caseId);
        uint256 cut = before - ownStake(Role.Verifier, seat(1));
        vm.assertLe(2 * challenges.claimReward(caseId), cut);
        vm.assertEq(court.finderBpsOf(FaultKind.EarlyTicket), 5000);
    }
}
