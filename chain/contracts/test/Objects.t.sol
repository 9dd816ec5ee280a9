// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Accusation} from "../objects/Accusation.sol";
import {Assignment, Assignments} from "../objects/Assignment.sol";
import {Receipt, Receipts} from "../objects/Receipt.sol";
import {Verdict, Verdicts} from "../objects/Verdict.sol";
import {Evidence} from "../Evidence.sol";
import {Stream} from "./Stream.sol";

/// Digests and signatures of the vectors, in the vectors' own chain and court.
contract ObjectsTest is Stream {
    string private _json;
    Evidence private _there;

    function setUp() external {
        deploy();
        _json = vectors("eip712");
        vm.chainId(vm.parseJsonUint(_json, ".chainId"));
        address home = vm.parseJsonAddress(_json, ".court");
        addresses.court = home;
        _there = Evidence(create("Evidence", abi.encode(parameters(), addresses)));
    }

    function test_assignment_digest_and_signature() external view {
        Assignment memory a = Assignment({
            jobId: vm.parseJsonUint(_json, ".assignment.jobId"),
            seq: uint32(vm.parseJsonUint(_json, ".assignment.seq")),
            attempt: uint8(vm.parseJsonUint(_json, ".assignment.attempt")),
            round: uint64(vm.parseJsonUint(_json, ".assignment.round")),
            transcoder: vm.parseJsonAddress(_json, ".assignment.transcoder"),
            sourceHash: vm.parseJsonBytes32(_json, ".assignment.sourceHash"),
            sourceLen: uint64(vm.parseJsonUint(_json, ".assignment.sourceLen")),
            framesRoot: vm.parseJsonBytes32(_json, ".assignment.framesRoot"),
            frameCount: uint32(vm.parseJsonUint(_json, ".assignment.frameCount")),
            profilesHash: vm.parseJsonBytes32(_json, ".assignment.profilesHash"),
            encoderId: vm.parseJsonBytes32(_json, ".assignment.encoderId"),
            leafCount: uint32(vm.parseJsonUint(_json, ".assignment.leafCount")),
            pricePerPixel: vm.parseJsonUint(_json, ".assignment.pricePerPixel"),
            deadlineBlock: uint64(vm.parseJsonUint(_json, ".assignment.deadlineBlock"))
        });
        bytes32 digest = _there.hashAssignment(a);
        vm.assertEq(digest, vm.parseJsonBytes32(_json, ".assignmentDigest"));
        vm.assertEq(
            ECDSA.recover(digest, vm.parseJsonBytes(_json, ".assignmentSignature")),
            vm.parseJsonAddress(_json, ".broadcaster")
        );
    }

    /// The hash is taken of the calldata as it lies there, so words that no such type can hold must not pass.
    function test_an_assignment_with_wider_words_has_no_digest() external view {
        uint8[14] memory bits = [0, 32, 8, 64, 160, 0, 64, 0, 32, 0, 0, 32, 0, 64];
        Assignment memory none;
        bytes memory call = abi.encodeCall(_there.hashAssignment, (none));
        for (uint256 field = 0; field < bits.length; ++field) {
            uint256 place = 4 + 0x20 * field;
            for (uint256 bit = 0; bit < 256; ++bit) {
                bytes1 flipped = bytes1(uint8(1 << (bit % 8)));
                call[place + 31 - bit / 8] ^= flipped;
                (bool ok,) = address(_there).staticcall(call);
                call[place + 31 - bit / 8] ^= flipped;
                vm.assertEq(ok, bits[field] == 0 || bit < bits[field]);
            }
        }
    }

    function test_receipt_digest_and_signature() external view {
        Receipt memory r = Receipt({
            assignmentHash: vm.parseJsonBytes32(_json, ".receipt.assignmentHash"),
            outputRoot: vm.parseJsonBytes32(_json, ".receipt.outputRoot"),
            outputBytes: uint64(vm.parseJsonUint(_json, ".receipt.outputBytes")),
            plant: vm.parseJsonBytes32(_json, ".receipt.plant")
        });
        bytes32 digest = _there.hashReceipt(r);
        vm.assertEq(digest, vm.parseJsonBytes32(_json, ".receiptDigest"));
        vm.assertEq(
            ECDSA.recover(digest, vm.parseJsonBytes(_json, ".receiptSignature")),
            vm.parseJsonAddress(_json, ".transcoder")
        );
    }

    function test_verdict_digest() external view {
        Verdict memory v = Verdict(vm.parseJsonBytes32(_json, ".receiptDigest"), 2, keccak256("out"));
        vm.assertEq(_there.hashVerdict(v), vm.parseJsonBytes32(_json, ".verdictDigest"));
    }

    function test_type_hashes_are_those_of_the_protocol() external pure {
        vm.assertEq(
            Verdicts.TYPEHASH,
            keccak256("Verdict(bytes32 receiptHash,uint32 leafIndex,bytes32 recomputedHash)")
        );
        vm.assertEq(
            Receipts.TYPEHASH,
            keccak256("Receipt(bytes32 assignmentHash,bytes32 outputRoot,uint64 outputBytes,bytes32 plant)")
        );
        vm.assertTrue(Assignments.TYPEHASH != 0);
    }

    function test_the_domain_is_the_protocols() external {
        vm.assertEq(_there.domainSeparator(), vm.parseJsonBytes32(_json, ".separator"));
        // On another branch of the chain everything signed here is void.
        bytes32 here = _there.domainSeparator();
        vm.chainId(5);
        vm.assertTrue(_there.domainSeparator() != here);
    }

    function test_digests_of_what_verifiers_sign() external view {
        vm.assertEq(_there.hashTicket(7), _digest(abi.encode(keccak256("SampleTicket(uint64 epoch)"), 7)));
        vm.assertEq(
            _there.hashDivergence("receipt", 3, 2),
            _digest(
                abi.encode(
                    keccak256("Divergence(bytes32 receiptHash,uint32 leafIndex,uint8 level)"),
                    bytes32("receipt"),
                    3,
                    2
                )
            )
        );
        vm.assertEq(
            _there.hashAccusation(Accusation("receipt", 3, "commit")),
            _digest(
                abi.encode(
                    keccak256("Accusation(bytes32 receiptHash,uint32 leafIndex,bytes32 commit)"),
                    bytes32("receipt"),
                    3,
                    bytes32("commit")
                )
            )
        );
    }

    function _digest(bytes memory object) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", _there.domainSeparator(), keccak256(object)));
    }
}
