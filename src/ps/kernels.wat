;; What is no loop over elements alone (src/ps/kernel.ts). Compiled into kernels.wasm together with those.
(module
  (import "env" "memory" (memory 1 65536))

  ;; 1 when every value and its square are finite: 0 * x^2 is 0 for those and NaN for all others, and NaN sticks to a sum.
  ;; The square, because RMSProp stores it: one overflow would stop that weight for ever.
  (func (export "finite") (param $p i32) (param $n i32) (result i32)
    (local $i i32) (local $blocks i32) (local $end i32) (local $sum v128) (local $v v128) (local $f f32) (local $total f32)
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (local.set $blocks (i32.and (local.get $end) (i32.const -16)))
    (block $tail
      (br_if $tail (i32.eqz (local.get $blocks)))
      (loop $four
        (local.set $v (v128.load (i32.add (local.get $p) (local.get $i))))
        (local.set $sum (f32x4.add (local.get $sum)
          (f32x4.mul (f32x4.mul (local.get $v) (local.get $v)) (f32x4.splat (f32.const 0)))))
        (br_if $four (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $blocks)))))
    (local.set $total (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
      (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum)))))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
        (local.set $f (f32.load (i32.add (local.get $p) (local.get $i))))
        (local.set $total (f32.add (local.get $total) (f32.mul (f32.mul (local.get $f) (local.get $f)) (f32.const 0))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $one)))
    (f32.eq (local.get $total) (f32.const 0)))
)
