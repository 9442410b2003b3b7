# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""What clients ask and what Gemini answers in the benchmarks: fixed bytes, the same in each run."""
import json

MODEL = 'gemini-3.8-flash'


def chunk(text, last=False):
    c = {'content': {'parts': [{'text': text}], 'role': 'model'}, 'index': 0}
    if last:
        c['finishReason'] = 'STOP'
    return {'candidates': [c],
            'usageMetadata': {'promptTokenCount': 9, 'candidatesTokenCount': 120,
                              'totalTokenCount': 129,
                              'promptTokensDetails': [{'modality': 'TEXT', 'tokenCount': 9}]},
            'modelVersion': MODEL, 'responseId': 'ciS5aZnUG9KqkdUP5eK_kAY'}


def whole_answer():
    text = 'The magpies gather once a year and build a bridge across the river of stars. ' * 5
    return json.dumps(chunk(text, True), indent=2)


def events(n=100):
    return ['data: ' + json.dumps(chunk(f'word {i} of the stream ', i == n - 1)) + '\r\n\r\n'
            for i in range(n)]


NATIVE = json.dumps({'contents': [{'role': 'user', 'parts': [{'text': 'Tell me about the bridge. ' * 30}]}],
                     'generationConfig': {'temperature': 0.7, 'maxOutputTokens': 1000}})


def chat(stream, content='Tell me about the bridge. ' * 30):
    body = {'model': MODEL, 'messages': [{'role': 'user', 'content': content}],
            'temperature': 0.7, 'max_completion_tokens': 1000}
    if stream:
        body['stream'] = True
    return json.dumps(body)


def agent_body(size, image=0, which=0):
    """Bodies of different numbers say different things in the same number of values."""
    name = f'x{which}' if which else 'x'
    tools = [{'type': 'function', 'function': {
        'name': f'tool_{i}', 'description': 'Reads, writes or searches something in the workspace. ' * 4,
        'parameters': {'type': 'object', 'additionalProperties': False, 'required': ['path'],
                       'properties': {'path': {'type': 'string', 'description': 'where'},
                                      'mode': {'type': 'string', 'enum': ['a', 'b', 'c']},
                                      'limit': {'type': 'integer', 'minimum': 0}}}}} for i in range(40)]
    messages = [{'role': 'system', 'content': 'You are a careful engineer. ' * 40 + (name if which else '')}]
    if image:
        messages.append({'role': 'user', 'content': [
            {'type': 'text', 'text': 'What is on it?'},
            {'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,' + ('QUJD' if which == 0 else 'QUJE') * (image // 4)}}]})
        return json.dumps({'model': MODEL, 'messages': messages})
    body = {'model': MODEL, 'tools': tools, 'messages': messages}
    i, so_far = 0, len(json.dumps(messages))
    while so_far + 28000 < size:
        more = [{'role': 'user', 'content': f'Step {i}: look at this file.\n' + 'int main(void) { return 0; }\n' * 20},
                {'role': 'assistant', 'content': None, 'tool_calls': [
                    {'id': f'call_{i}', 'type': 'function',
                     'function': {'name': 'tool_1', 'arguments': '{"path":"src/main.c"}'}}]},
                {'role': 'tool', 'tool_call_id': f'call_{i}', 'content': f'static int {name};\n' * 40}]
        messages += more
        so_far += len(json.dumps(more))
        i += 1
    messages.append({'role': 'user', 'content': 'Go on.'})
    return json.dumps(body)
