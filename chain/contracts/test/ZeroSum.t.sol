// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DivergenceVotes} from "../interfaces/IContests.sol";
import {QuorumVerdict, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus} from "../interfaces/IFraudCourt.sol";
import {Bls} from "../libraries/Bls.sol";
import {Role} from "../objects/Role.sol";
import {Courtroom} from "./Courtroom.sol";

/// [two verifiers with the keys k and r - k] Anybody can count them as signers of anything, and they answer for what is
/// done with that.
contract ZeroSumTest is Courtroom {
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    uint256 private constant SECRET = 0xACE;
    uint256 private constant TINY = 0x717;

    uint256 private _one;
    uint256 private _other;
    uint256 private _tiny;

    /// Four verifiers of 300 LPT, the two of as much, and one of 10.
    function setUp() external {
        startCourt();
        _join(SECRET, 300 * LPT);
        _join(ORDER - SECRET, 300 * LPT);
        _join(TINY, 10 * LPT);
        for (uint256 i = 1; i < seats.length; ++i) {
            for (uint256 j = i; j > 0 && vm.addr(seats[j]) < vm.addr(seats[j - 1]); --j) {
                (seats[j], seats[j - 1]) = (seats[j - 1], seats[j]);
            }
        }
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i] == SECRET) _one = i;
            if (seats[i] == ORDER - SECRET) _other = i;
            if (seats[i] == TINY) _tiny = i;
        }
        passRounds(1);
    }

    function test_who_is_counted_among_the_signers_pays_for_its_pass() external {
        SignedReceipt memory signed = receipt(1);
        uint64 all = 0x7f;
        uint64 honest = all & ~_bit(_one) & ~_bit(_other);
        QuorumVerdict memory fails = verdict(signed, 3, RECOMPUTED, honest);
        vm.assertEq(verdict(signed, 3, RECOMPUTED, all).aggregateSignature, fails.aggregateSignature);
        fails.bitmap = all;
        bytes32 base = court.prove(signed, leafProof(1, 3), fails);
        bytes memory said = passOf(signed, 3, _one);
        bytes32 caseId = challenges.falsePass(signed, leafProof(1, 3), fails, _one, said);
        vm.assertEq(court.caseOf(caseId).bitmap, all & ~_bit(_one));
        afterWindow();
        court.execute(base);
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertEq(ownStake(Role.Verifier, seat(_one)), 270 * LPT);
    }

    function test_who_is_counted_among_the_divergers_pays_for_it_without_a_signature() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7f);
        uint64 counted = _bit(_one) | _bit(_other) | _bit(_tiny);
        bytes32 digest = evidence.hashDivergence(evidence.hashReceipt(signed.receipt), 3, 2);
        DivergenceVotes[] memory votes = new DivergenceVotes[](1);
        votes[0] = DivergenceVotes(2, counted, aggregate(digest, _bit(_tiny)));
        contests.tripByDivergence(signed, 3, votes);
        (uint64 round, uint64 bitmap) = contests.divergersOf(base);
        vm.assertTrue(round == 2 && bitmap == counted);
        vm.prank(RESOLVER);
        contests.resolve(base, true);
        for (uint256 i = 0; i < seats.length; ++i) {
            if ((counted >> i) & 1 == 0) {
                vm.expectRevert(abi.encodeWithSelector(Bls.WrongPointLength.selector, 0, 128));
                challenges.falseDivergence(signed.assignment, signed.receipt, i, 2, "");
                continue;
            }
            uint256 had = ownStake(Role.Verifier, seat(i));
            bytes32 caseId = challenges.falseDivergence(signed.assignment, signed.receipt, i, 0, "");
            afterWindow();
            court.execute(caseId);
            vm.assertEq(ownStake(Role.Verifier, seat(i)), had * 9 / 10);
        }
    }

    function _join(uint256 secret, uint256 amount) private {
        bond(Role.Verifier, vm.addr(secret), amount);
        register(vm.addr(secret), secret);
        seats.push(secret);
    }

    function _bit(uint256 position) private pure returns (uint64) {
        return uint64(1) << uint64(position);
    }
}
