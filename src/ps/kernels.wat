;; The optimizer's arithmetic, float32, four lanes at a time, at memory speed. Pointers are bytes, counts are elements.
;; Each loop does blocks of 4 and then the 0-3 elements left over, by the same formula.
(module
  (import "env" "memory" (memory 1 65536))

  ;; RMSProp with momentum as TF1 does it (epsilon inside the root, lr folded into the momentum):
  ;;   g += wd w;  s = rho s + (1 - rho) g^2;  m = mu m + lr g / sqrt(s + eps);  w -= m
  (func (export "rmsprop") (param $w i32) (param $g i32) (param $s i32) (param $m i32) (param $n i32)
      (param $lr f32) (param $rho f32) (param $mu f32) (param $eps f32) (param $wd f32)
    (local $i i32) (local $blocks i32) (local $end i32) (local $rest f32)
    (local $vg v128) (local $vs v128) (local $vm v128) (local $fg f32) (local $fs f32) (local $fm f32)
    (local.set $rest (f32.sub (f32.const 1) (local.get $rho)))
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (local.set $blocks (i32.and (local.get $end) (i32.const -16)))
    (block $tail
      (br_if $tail (i32.eqz (local.get $blocks)))
      (loop $four
        (local.set $vg (f32x4.add (v128.load (i32.add (local.get $g) (local.get $i)))
          (f32x4.mul (f32x4.splat (local.get $wd)) (v128.load (i32.add (local.get $w) (local.get $i))))))
        (local.set $vs (f32x4.add
          (f32x4.mul (f32x4.splat (local.get $rho)) (v128.load (i32.add (local.get $s) (local.get $i))))
          (f32x4.mul (f32x4.splat (local.get $rest)) (f32x4.mul (local.get $vg) (local.get $vg)))))
        (v128.store (i32.add (local.get $s) (local.get $i)) (local.get $vs))
        (local.set $vm (f32x4.add
          (f32x4.mul (f32x4.splat (local.get $mu)) (v128.load (i32.add (local.get $m) (local.get $i))))
          (f32x4.div (f32x4.mul (f32x4.splat (local.get $lr)) (local.get $vg))
            (f32x4.sqrt (f32x4.add (local.get $vs) (f32x4.splat (local.get $eps)))))))
        (v128.store (i32.add (local.get $m) (local.get $i)) (local.get $vm))
        (v128.store (i32.add (local.get $w) (local.get $i))
          (f32x4.sub (v128.load (i32.add (local.get $w) (local.get $i))) (local.get $vm)))
        (br_if $four (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $blocks)))))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
        (local.set $fg (f32.add (f32.load (i32.add (local.get $g) (local.get $i)))
          (f32.mul (local.get $wd) (f32.load (i32.add (local.get $w) (local.get $i))))))
        (local.set $fs (f32.add
          (f32.mul (local.get $rho) (f32.load (i32.add (local.get $s) (local.get $i))))
          (f32.mul (local.get $rest) (f32.mul (local.get $fg) (local.get $fg)))))
        (f32.store (i32.add (local.get $s) (local.get $i)) (local.get $fs))
        (local.set $fm (f32.add
          (f32.mul (local.get $mu) (f32.load (i32.add (local.get $m) (local.get $i))))
          (f32.div (f32.mul (local.get $lr) (local.get $fg)) (f32.sqrt (f32.add (local.get $fs) (local.get $eps))))))
        (f32.store (i32.add (local.get $m) (local.get $i)) (local.get $fm))
        (f32.store (i32.add (local.get $w) (local.get $i))
          (f32.sub (f32.load (i32.add (local.get $w) (local.get $i))) (local.get $fm)))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $one))))

  ;; Momentum as TF does it (lr outside of the accumulator):  g += wd w;  m = mu m + g;  w -= lr m
  (func (export "momentum") (param $w i32) (param $g i32) (param $m i32) (param $n i32)
      (param $lr f32) (param $mu f32) (param $wd f32)
    (local $i i32) (local $blocks i32) (local $end i32) (local $vm v128) (local $fm f32)
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (local.set $blocks (i32.and (local.get $end) (i32.const -16)))
    (block $tail
      (br_if $tail (i32.eqz (local.get $blocks)))
      (loop $four
        (local.set $vm (f32x4.add
          (f32x4.mul (f32x4.splat (local.get $mu)) (v128.load (i32.add (local.get $m) (local.get $i))))
          (f32x4.add (v128.load (i32.add (local.get $g) (local.get $i)))
            (f32x4.mul (f32x4.splat (local.get $wd)) (v128.load (i32.add (local.get $w) (local.get $i)))))))
        (v128.store (i32.add (local.get $m) (local.get $i)) (local.get $vm))
        (v128.store (i32.add (local.get $w) (local.get $i))
          (f32x4.sub (v128.load (i32.add (local.get $w) (local.get $i)))
            (f32x4.mul (f32x4.splat (local.get $lr)) (local.get $vm))))
        (br_if $four (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $blocks)))))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
        (local.set $fm (f32.add
          (f32.mul (local.get $mu) (f32.load (i32.add (local.get $m) (local.get $i))))
          (f32.add (f32.load (i32.add (local.get $g) (local.get $i)))
            (f32.mul (local.get $wd) (f32.load (i32.add (local.get $w) (local.get $i)))))))
        (f32.store (i32.add (local.get $m) (local.get $i)) (local.get $fm))
        (f32.store (i32.add (local.get $w) (local.get $i))
          (f32.sub (f32.load (i32.add (local.get $w) (local.get $i))) (f32.mul (local.get $lr) (local.get $fm))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $one))))

  ;; Moving average of batch statistics:  s = d s + (1 - d) x
  (func (export "average") (param $s i32) (param $x i32) (param $n i32) (param $d f32)
    (local $i i32) (local $blocks i32) (local $end i32) (local $rest f32)
    (local.set $rest (f32.sub (f32.const 1) (local.get $d)))
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (local.set $blocks (i32.and (local.get $end) (i32.const -16)))
    (block $tail
      (br_if $tail (i32.eqz (local.get $blocks)))
      (loop $four
        (v128.store (i32.add (local.get $s) (local.get $i)) (f32x4.add
          (f32x4.mul (f32x4.splat (local.get $d)) (v128.load (i32.add (local.get $s) (local.get $i))))
          (f32x4.mul (f32x4.splat (local.get $rest)) (v128.load (i32.add (local.get $x) (local.get $i))))))
        (br_if $four (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $blocks)))))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
        (f32.store (i32.add (local.get $s) (local.get $i)) (f32.add
          (f32.mul (local.get $d) (f32.load (i32.add (local.get $s) (local.get $i))))
          (f32.mul (local.get $rest) (f32.load (i32.add (local.get $x) (local.get $i))))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $one))))

  ;; Delay compensation (DC-ASGD):  g += lambda g^2 (w - old)
  (func (export "compensate") (param $g i32) (param $w i32) (param $old i32) (param $n i32) (param $lambda f32)
    (local $i i32) (local $blocks i32) (local $end i32) (local $vg v128) (local $fg f32)
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (local.set $blocks (i32.and (local.get $end) (i32.const -16)))
    (block $tail
      (br_if $tail (i32.eqz (local.get $blocks)))
      (loop $four
        (local.set $vg (v128.load (i32.add (local.get $g) (local.get $i))))
        (v128.store (i32.add (local.get $g) (local.get $i)) (f32x4.add (local.get $vg)
          (f32x4.mul (f32x4.mul (f32x4.splat (local.get $lambda)) (f32x4.mul (local.get $vg) (local.get $vg)))
            (f32x4.sub (v128.load (i32.add (local.get $w) (local.get $i)))
              (v128.load (i32.add (local.get $old) (local.get $i)))))))
        (br_if $four (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $blocks)))))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
        (local.set $fg (f32.load (i32.add (local.get $g) (local.get $i))))
        (f32.store (i32.add (local.get $g) (local.get $i)) (f32.add (local.get $fg)
          (f32.mul (f32.mul (local.get $lambda) (f32.mul (local.get $fg) (local.get $fg)))
            (f32.sub (f32.load (i32.add (local.get $w) (local.get $i)))
              (f32.load (i32.add (local.get $old) (local.get $i)))))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $one))))

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
