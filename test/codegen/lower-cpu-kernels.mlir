// RUN: strata-opt %s --decoder-lower-cpu-kernels | FileCheck %s

// A kernel becomes internal, with bare pointers, behind an entry that loads them from the array of
// buffers; a function that kernels share is not inlined, and seen by them alone.
// CHECK-LABEL: module @cpu_x86_64_v3
module {
module @cpu_x86_64_v3 {
  // CHECK: llvm.func hidden @shared(%{{.+}}: !llvm.ptr) attributes {no_inline
  func.func private @shared(%x: memref<1xi8>) {
    return
  }

  // CHECK: llvm.func @kernel(%[[BUFFERS:.+]]: !llvm.ptr, %[[T:.+]]: i64, %{{.+}}: i64, %{{.+}}: i64, %{{.+}}: i64, %{{.+}}: i64, %[[END:.+]]: i64) {
  // CHECK: %[[SLOT0:.+]] = llvm.getelementptr %[[BUFFERS]][0]
  // CHECK: %[[X:.+]] = llvm.load %[[SLOT0]] : !llvm.ptr -> !llvm.ptr
  // CHECK: %[[SLOT1:.+]] = llvm.getelementptr %[[BUFFERS]][1]
  // CHECK: %[[Y:.+]] = llvm.load %[[SLOT1]] : !llvm.ptr -> !llvm.ptr
  // CHECK: llvm.call @kernel.body(%[[X]], %[[Y]], %[[T]], {{.*}}, %[[END]])
  // CHECK: llvm.func internal @kernel.body({{.*}}llvm.noalias{{.*}}attributes {always_inline
  func.func @kernel(%x: memref<1xi8> {llvm.noalias}, %y: memref<1xi8> {llvm.noalias}, %tokens: index,
                    %rows: index, %stride: index, %layer: index, %begin: index, %end: index) {
    func.call @shared(%x) : (memref<1xi8>) -> ()
    return
  }
}
}
