// For documentation.test: three definitions that must not pass.

def Decoder_WrongOp : Decoder_Op<"linear"> {
  let description = [{
    ```mlir
    func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x32xbf16>) {
      %0 = decoder.linear %x, [%w] : (tensor<?x64xbf16>, tensor<256x32xbf16>) -> tensor<?x256xbf16>
      return
    }
    ```
  }];
}

def Decoder_SilentOp : Decoder_Op<"silent"> {
  let description = [{
    ```mlir
    %w = decoder.parameter "w" : tensor<4xbf16>
    ```
  }];
}

def WrongAfter : Pass<"decoder-fuse-norm", "::mlir::func::FuncOp"> {
  let description = [{
    Before:
    ```mlir
    func.func @f() { return }
    ```
    After:
    ```mlir
    func.func @g() { return }
    ```
  }];
}
