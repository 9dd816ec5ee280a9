// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bls} from "../libraries/Bls.sol";
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

    /// The dearest list: 64 verifiers, of whom ten did not sign.
    function test_certify_with_ten_of_64_absent() external {
        uint256[64] memory secrets = _verifiers();
        uint64 round = openRound();
        bytes32[] memory hashes = _list();
        RoundWork memory list =
            RoundWork(round, Trees.root(hashes), uint32(CLAIMS), 1_000_000, type(uint64).max);
        settle(round);
        (address[] memory order,,,) = registry.snapshot(round);
        (uint64 bitmap, bytes memory sum) = (0, "");
        bytes32 digest = work.hashRoundWork(list);
        for (uint256 i = 0; i < 54; ++i) {
            bytes memory signature = _secretOf(secrets, order[i]).sign(digest);
            sum = i == 0 ? signature : Bls.addG1(sum, signature);
            bitmap |= uint64(1) << uint64(i);
        }
        work.certify(list, bitmap, sum);
        atMost("certify, 100 claims, 54 of 64 verifiers", 450_000);
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

    function _verifiers() private returns (uint256[64] memory secrets) {
        for (uint256 i = 0; i < 64; ++i) {
            secrets[i] = i < 4 ? seats[i] : 0x1000 + i;
            if (i < 4) continue;
            bond(Role.Verifier, vm.addr(secrets[i]), 100 * LPT);
            register(vm.addr(secrets[i]), secrets[i]);
        }
    }

    function _secretOf(uint256[64] memory secrets, address who) private pure returns (uint256) {
        for (uint256 i = 0; i < 64; ++i) {
            if (vm.addr(secrets[i]) == who) return secrets[i];
        }
        revert("no such verifier");
    }
}
