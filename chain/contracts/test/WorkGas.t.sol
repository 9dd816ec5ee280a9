// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../interfaces/IRoster.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Role} from "../objects/Role.sol";
import {RoundWork} from "../objects/RoundWork.sol";
import {WorkClaim} from "../objects/WorkClaim.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {GasMeter} from "./GasMeter.sol";
import {Trees} from "./Trees.sol";
import {WorkStage} from "./WorkStage.sol";

/// Gas of whole transactions: base cost, calldata and cold storage included, refunds deducted.
/// forge-config: default.isolate = true
contract WorkGasTest is WorkStage, GasMeter {
    using BlsSigner for uint256;

    uint256 private constant CLAIMS = 100;

    WorkClaim[] private _claims;

    function setUp() external {
        startWork();
    }

    function test_certify_and_claim_a_round_of_100_claims() external {
        bytes32[] memory hashes = _list();
        RoundWork memory list = RoundWork(1, Trees.root(hashes), uint32(CLAIMS), 1_000_000, ALL);
        settle(1);
        bytes memory aggregate = signList(list, ALL);
        work.certify(list, ALL, aggregate);
        atMost("certify, 100 claims, four of four verifiers", 300_000);
        bytes32[] memory path = Trees.path(hashes, 0);
        work.claim(_claims[0], 0, path);
        atMost("claim, of 100", 310_000);
        work.claimDuty(1, 0);
        atMost("claimDuty", 260_000);
    }

    function test_certify_and_jail_ten_of_64() external {
        _certifyBy(54, 100 * LPT);
        atMost("certify, 100 claims, 54 of 64 verifiers, ten jailed", 450_000);
    }

    /// A third of the weight, in equal parts.
    function test_certify_and_jail_21_of_64() external {
        _certifyBy(43, 100 * LPT);
        atMost("certify, 100 claims, 43 of 64 verifiers, 21 jailed", 450_000);
    }

    /// The dearest list: no other sum of keys takes as many additions, and the absent have a third of the weight.
    function test_certify_and_jail_half_of_64() external {
        _certifyBy(32, 200 * LPT);
        atMost("certify, 100 claims, 32 of 64 verifiers, 32 jailed", 450_000);
    }

    /// The most that can be jailed: one verifier has two thirds.
    function test_certify_and_jail_all_but_one_of_64() external {
        _certifyBy(1, 12_600 * LPT);
        atMost("certify, 100 claims, one of 64 verifiers, 63 jailed", 450_000);
    }

    /// Who was absent is jailed with the certificate.
    function test_certify_and_jail_one() external {
        (RoundWork memory list,) = listOf(1, [uint64(1), 1, 1]);
        list.duties = 0x7;
        settle(1);
        bytes memory aggregate = signList(list, 0x7);
        work.certify(list, 0x7, aggregate);
        atMost("certify, one of four jailed", 400_000);
    }

    function _list() private returns (bytes32[] memory hashes) {
        hashes = new bytes32[](CLAIMS);
        for (uint256 i = 0; i < CLAIMS; ++i) {
            address who = i < 3 ? transcoders[i] : address(uint160(0xB00 + i));
            _claims.push(WorkClaim(who, 1, keccak256(abi.encode(i)), 10_000));
            hashes[i] = MerkleTree.leafHash(abi.encodePacked(work.hashWorkClaim(_claims[i])));
        }
    }

    /// @dev Of 64 verifiers so many sign and did their duty; each weighs that much, the others 100 LPT. They are jailed.
    function _certifyBy(uint256 signers, uint256 weight) private {
        uint256 sum;
        for (uint256 i = 0; i < 64; ++i) {
            uint256 secret = i < 4 ? seats[i] : 0x1000 + i;
            if (i >= 4) {
                bond(Role.Verifier, vm.addr(secret), 100 * LPT);
                register(vm.addr(secret), secret);
            }
            if (i >= signers) continue;
            sum += secret;
            if (weight > 100 * LPT) bond(Role.Verifier, vm.addr(secret), weight - 100 * LPT);
        }
        uint64 round = openRound();
        uint64 bitmap;
        (address[] memory order,,,) = registry.snapshot(round);
        for (uint256 i = 0; i < signers; ++i) {
            bitmap |= uint64(1) << _positionIn(order, vm.addr(i < 4 ? seats[i] : 0x1000 + i));
        }
        settle(round);
        bytes32[] memory hashes = _list();
        RoundWork memory list = RoundWork(round, Trees.root(hashes), uint32(CLAIMS), 1_000_000, bitmap);
        bytes memory aggregate = sum.sign(work.hashRoundWork(list));
        vm.expectEmit(true, true, true, true, address(roster));
        emit IRoster.AbsenceNoted(round, ~bitmap);
        work.certify(list, bitmap, aggregate);
    }

    function _positionIn(address[] memory order, address who) private pure returns (uint64 position) {
        while (order[position] != who) ++position;
    }
}
