# One training step of a perceptron by PyTorch, for bench --tensors. It answers line for line:
#   SIZES BATCH KIND SECONDS   (as "784,128,10 64 float 0.1") with the seconds of one step, the mean over steps
# taken for about SECONDS, of the processor's time. One thread. The first line that it writes says which version it is.
import sys
import time

try:
    import torch
except ImportError as missing:
    print("none", missing, flush=True)
    sys.exit(0)

torch.set_num_threads(1)
print("PyTorch", torch.__version__, flush=True)
made = {}


def make(sizes, batch, kind):
    dtype = torch.float32 if kind == "float" else torch.float64
    torch.manual_seed(1)
    layers = []
    for i, (m, n) in enumerate(zip(sizes, sizes[1:])):
        layers += ([torch.nn.ReLU()] if i else []) + [torch.nn.Linear(m, n, dtype=dtype)]
    net = torch.nn.Sequential(*layers)
    descent = torch.optim.SGD(net.parameters(), lr=1e-3)
    x = torch.rand(batch, sizes[0], dtype=dtype) * 2 - 1
    t = torch.arange(batch) % sizes[-1]

    def step():
        descent.zero_grad()
        torch.nn.functional.cross_entropy(net(x), t).backward()
        descent.step()

    for _ in range(3):
        step()
    return step


for line in sys.stdin:
    sizes, batch, kind, seconds = line.split()
    key = (sizes, batch, kind)
    if key not in made:
        made[key] = make([int(n) for n in sizes.split(",")], int(batch), kind)
    step, count, start = made[key], 0, time.process_time()
    while True:
        step()
        count += 1
        spent = time.process_time() - start
        if spent >= float(seconds):
            break
    print(repr(spent / count), flush=True)
