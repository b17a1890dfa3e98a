// Runs a TensorFlow graph from and into typed arrays of JavaScript. The run takes place on a thread of the graph, so that
// the event loop answers its connections meanwhile. Input arrays are shared with TensorFlow where they are aligned; each
// output is copied once, into the array that the caller gives. It uses TensorFlow's C API and Node-API, which are stable.
#include <node_api.h>
#include <tensorflow/c/c_api.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Values {
  TF_DataType type;
  void* data;
  size_t bytes;
};

// One call of run().
struct Job {
  std::vector<TF_Tensor*> inputs;
  std::vector<Values> outputs;
  // Of each output: whether every value and its square are finite. True for integers.
  std::vector<char> finite;
  // Empty: success.
  std::string error;
  // Keeps the arrays of JavaScript alive, whose memory inputs and outputs refer to.
  napi_ref arrays = nullptr;
  napi_deferred deferred = nullptr;
};

struct Graph {
  TF_Graph* graph = nullptr;
  TF_Session* session = nullptr;
  std::vector<TF_Output> feeds;
  std::vector<TF_Output> fetches;
  napi_env env = nullptr;
  napi_threadsafe_function finished = nullptr;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  // At most one: the caller waits for it.
  Job* job = nullptr;
  bool busy = false;
  bool closing = false;
  // No call of Finish is to come.
  bool released = false;
};

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  operator TF_Status*() { return status_; }
  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  std::string text() const { return TF_Message(status_); }

 private:
  TF_Status* status_;
};

napi_value Throw(napi_env env, const std::string& message) {
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

// 0 · x² is 0 for values whose square is finite and NaN for all others. Eight sums, so that the loop uses SIMD.
bool CopyAndCheck(const float* from, float* to, size_t count) {
  float sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int lane = 0; lane < 8; lane++) {
      const float value = from[i + lane];
      to[i + lane] = value;
      sums[lane] += value * value * 0.0f;
    }
  }
  for (; i < count; i++) {
    to[i] = from[i];
    sums[0] += from[i] * from[i] * 0.0f;
  }
  float total = 0;
  for (float sum : sums) total += sum;
  return total == 0.0f;
}

// Copies a result into the caller's array.
void Deliver(Job& job, size_t index, TF_Tensor* result) {
  const Values& target = job.outputs[index];
  const size_t bytes = TF_TensorByteSize(result);
  if (bytes != target.bytes || TF_TensorType(result) != target.type) {
    job.error = "output " + std::to_string(index) + " has " + std::to_string(bytes) + " bytes of type " +
                std::to_string(TF_TensorType(result)) + ", its array " + std::to_string(target.bytes) + " of type " +
                std::to_string(target.type);
    return;
  }
  if (target.type == TF_FLOAT) {
    job.finite[index] = CopyAndCheck(static_cast<const float*>(TF_TensorData(result)),
                                     static_cast<float*>(target.data), bytes / sizeof(float));
  } else {
    std::memcpy(target.data, TF_TensorData(result), bytes);
  }
}

void Run(Graph& graph, Job& job) {
  Status status;
  std::vector<TF_Tensor*> results(graph.fetches.size(), nullptr);
  TF_SessionRun(graph.session, nullptr, graph.feeds.data(), job.inputs.data(), graph.feeds.size(),
                graph.fetches.data(), results.data(), results.size(), nullptr, 0, nullptr, status);
  if (!status.ok()) job.error = status.text();
  for (size_t i = 0; i < results.size(); i++) {
    if (results[i] == nullptr) continue;
    if (job.error.empty()) Deliver(job, i, results[i]);
    TF_DeleteTensor(results[i]);
  }
}

void Serve(Graph* graph) {
  std::unique_lock<std::mutex> lock(graph->mutex);
  while (true) {
    graph->changed.wait(lock, [&] { return graph->job != nullptr || graph->closing; });
    // A job that was accepted before the graph was closed still runs: its caller waits.
    if (graph->job == nullptr) return;
    Job* job = graph->job;
    graph->job = nullptr;
    lock.unlock();
    Run(*graph, *job);
    napi_call_threadsafe_function(graph->finished, job, napi_tsfn_blocking);
    lock.lock();
  }
}

void Release(napi_env env, Job* job) {
  for (TF_Tensor* input : job->inputs) TF_DeleteTensor(input);
  if (env != nullptr && job->arrays != nullptr) napi_delete_reference(env, job->arrays);
  delete job;
}

// On the thread of JavaScript, after a run.
void Finish(napi_env env, napi_value, void* context, void* data) {
  Graph* graph = static_cast<Graph*>(context);
  Job* job = static_cast<Job*>(data);
  graph->busy = false;
  if (env == nullptr) return Release(nullptr, job);
  napi_unref_threadsafe_function(env, graph->finished);
  napi_value value;
  if (job->error.empty()) {
    napi_create_array_with_length(env, job->finite.size(), &value);
    for (uint32_t i = 0; i < job->finite.size(); i++) {
      napi_value flag;
      napi_get_boolean(env, job->finite[i] != 0, &flag);
      napi_set_element(env, value, i, flag);
    }
    napi_resolve_deferred(env, job->deferred, value);
  } else {
    napi_value message;
    napi_create_string_utf8(env, job->error.c_str(), job->error.size(), &message);
    napi_create_error(env, nullptr, message, &value);
    napi_reject_deferred(env, job->deferred, value);
  }
  Release(env, job);
}

// Waits for the run in progress: TensorFlow must not lose its memory, nor the process its libraries, during one.
void Stop(void* data) {
  Graph* graph = static_cast<Graph*>(data);
  {
    std::lock_guard<std::mutex> lock(graph->mutex);
    graph->closing = true;
  }
  graph->changed.notify_all();
  if (graph->thread.joinable()) graph->thread.join();
  Status status;
  if (graph->session != nullptr) TF_DeleteSession(graph->session, status);
  if (graph->graph != nullptr) TF_DeleteGraph(graph->graph);
  graph->session = nullptr;
  graph->graph = nullptr;
}

void Close(napi_env env, Graph* graph) {
  if (graph->closing) return;
  napi_remove_env_cleanup_hook(env, Stop, graph);
  Stop(graph);
  napi_release_threadsafe_function(graph->finished, napi_tsfn_release);
  graph->released = true;
}

void Collect(napi_env env, void* data, void*) {
  Graph* graph = static_cast<Graph*>(data);
  Close(env, graph);
  if (graph->released) delete graph;
}

bool ReadValues(napi_env env, napi_value array, Values* into) {
  napi_typedarray_type type;
  size_t length = 0;
  bool is_array = false;
  napi_is_typedarray(env, array, &is_array);
  if (!is_array) return false;
  napi_get_typedarray_info(env, array, &type, &length, &into->data, nullptr, nullptr);
  switch (type) {
    case napi_float32_array: *into = {TF_FLOAT, into->data, 4 * length}; return true;
    case napi_int32_array: *into = {TF_INT32, into->data, 4 * length}; return true;
    case napi_uint8_array: *into = {TF_BOOL, into->data, length}; return true;
    default: return false;
  }
}

std::string ReadText(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

std::vector<napi_value> ReadList(napi_env env, napi_value list) {
  uint32_t length = 0;
  napi_get_array_length(env, list, &length);
  std::vector<napi_value> values(length);
  for (uint32_t i = 0; i < length; i++) napi_get_element(env, list, i, &values[i]);
  return values;
}

// The first outputs of named operations.
bool FindOutputs(napi_env env, Graph* graph, napi_value names, std::vector<TF_Output>* into) {
  for (napi_value name : ReadList(env, names)) {
    const std::string text = ReadText(env, name);
    TF_Operation* operation = TF_GraphOperationByName(graph->graph, text.c_str());
    if (operation == nullptr) {
      Throw(env, "the graph has no operation " + text);
      return false;
    }
    into->push_back({operation, 0});
  }
  return true;
}

bool ImportGraph(napi_env env, Graph* graph, const Values& definition) {
  Status status;
  TF_Buffer* buffer = TF_NewBufferFromString(definition.data, definition.bytes);
  TF_ImportGraphDefOptions* options = TF_NewImportGraphDefOptions();
  TF_GraphImportGraphDef(graph->graph, buffer, options, status);
  TF_DeleteImportGraphDefOptions(options);
  TF_DeleteBuffer(buffer);
  if (!status.ok()) Throw(env, status.text());
  return status.ok();
}

bool OpenSession(napi_env env, Graph* graph, const Values& config) {
  Status status;
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_SetConfig(options, config.data, config.bytes, status);
  if (status.ok()) graph->session = TF_NewSession(graph->graph, options, status);
  TF_DeleteSessionOptions(options);
  if (!status.ok()) Throw(env, status.text());
  return status.ok();
}

// open(graphDef: Uint8Array, config: Uint8Array, feeds: string[], fetches: string[]): Graph
napi_value Open(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  Values definition, config;
  if (!ReadValues(env, arguments[0], &definition) || !ReadValues(env, arguments[1], &config))
    return Throw(env, "expected the bytes of a GraphDef and of a ConfigProto");
  Graph* graph = new Graph();
  graph->env = env;
  graph->graph = TF_NewGraph();
  const bool is_open = ImportGraph(env, graph, definition) && FindOutputs(env, graph, arguments[2], &graph->feeds) &&
                       FindOutputs(env, graph, arguments[3], &graph->fetches) && OpenSession(env, graph, config);
  if (!is_open) {
    Stop(graph);
    delete graph;
    return nullptr;
  }
  napi_value name, external;
  napi_create_string_utf8(env, "graph", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, graph, Finish, &graph->finished);
  napi_unref_threadsafe_function(env, graph->finished);
  napi_add_env_cleanup_hook(env, Stop, graph);
  graph->thread = std::thread(Serve, graph);
  napi_create_external(env, graph, Collect, nullptr, &external);
  return external;
}

Graph* ReadGraph(napi_env env, napi_value external) {
  void* graph = nullptr;
  napi_get_value_external(env, external, &graph);
  return static_cast<Graph*>(graph);
}

TF_Tensor* Share(const Values& values, const std::vector<int64_t>& shape) {
  const auto keep = [](void*, size_t, void*) {};
  return TF_NewTensor(values.type, shape.data(), static_cast<int>(shape.size()), values.data, values.bytes, keep,
                      nullptr);
}

bool AddInput(napi_env env, napi_value array, napi_value shape, Job* job) {
  Values values;
  if (!ReadValues(env, array, &values)) return false;
  std::vector<int64_t> sizes;
  size_t count = 1;
  for (napi_value size : ReadList(env, shape)) {
    int64_t number = 0;
    napi_get_value_int64(env, size, &number);
    sizes.push_back(number);
    count *= number;
  }
  if (count * TF_DataTypeSize(values.type) != values.bytes) return false;
  job->inputs.push_back(Share(values, sizes));
  return true;
}

// Reads the arguments of run(), after the graph. Returns what is wrong with them, or an empty text.
std::string ReadJob(napi_env env, const Graph& graph, const napi_value* arguments, Job* job) {
  const std::vector<napi_value> inputs = ReadList(env, arguments[0]), shapes = ReadList(env, arguments[1]);
  const std::vector<napi_value> outputs = ReadList(env, arguments[2]);
  if (inputs.size() != graph.feeds.size() || shapes.size() != inputs.size() || outputs.size() != graph.fetches.size())
    return "expected " + std::to_string(graph.feeds.size()) + " inputs with shapes and " +
           std::to_string(graph.fetches.size()) + " outputs";
  for (size_t i = 0; i < inputs.size(); i++) {
    if (!AddInput(env, inputs[i], shapes[i], job))
      return "input " + std::to_string(i) + " is no Float32Array, Int32Array or Uint8Array of its shape";
  }
  for (size_t i = 0; i < outputs.size(); i++) {
    Values values;
    if (!ReadValues(env, outputs[i], &values)) return "output " + std::to_string(i) + " is no typed array";
    job->outputs.push_back(values);
  }
  job->finite.assign(outputs.size(), true);
  return "";
}

// run(graph, inputs: TypedArray[], shapes: number[][], outputs: TypedArray[]): Promise<boolean[]>
napi_value Run(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4], promise, arrays;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  Graph* graph = ReadGraph(env, arguments[0]);
  if (graph == nullptr || graph->closing) return Throw(env, "the graph is closed");
  if (graph->busy) return Throw(env, "the graph is running");
  Job* job = new Job();
  const std::string problem = ReadJob(env, *graph, arguments + 1, job);
  if (!problem.empty()) {
    Release(env, job);
    return Throw(env, problem);
  }
  napi_create_array_with_length(env, 3, &arrays);
  for (uint32_t i = 0; i < 3; i++) napi_set_element(env, arrays, i, arguments[i == 0 ? 0 : i == 1 ? 1 : 3]);
  napi_create_reference(env, arrays, 1, &job->arrays);
  napi_create_promise(env, &job->deferred, &promise);
  napi_ref_threadsafe_function(env, graph->finished);
  graph->busy = true;
  {
    std::lock_guard<std::mutex> lock(graph->mutex);
    graph->job = job;
  }
  graph->changed.notify_one();
  return promise;
}

// close(graph): frees it after the run in progress.
napi_value CloseGraph(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  Graph* graph = ReadGraph(env, argument);
  if (graph != nullptr) Close(env, graph);
  return nullptr;
}

napi_value Initialise(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"open", nullptr, Open, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"run", nullptr, Run, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"close", nullptr, CloseGraph, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, 3, functions);
  return exports;
}

}  // namespace

NAPI_MODULE(downpour_graph, Initialise)
